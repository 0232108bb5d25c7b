"""Claims: what we say about a person, to whom, and why.

Owns what is known of a person, the mapping rows with their closed transform list, and `release()`,
the one function that decides and explains: for ID token, UserInfo, access token, SAML and preview.
Does not own the protocol's claims (iss, sub, aud, acr, …): those belong to `tokens`, the NameID to
`federation`. Only `attributes` and `rows` touch the database; everything else takes plain values.
"""
