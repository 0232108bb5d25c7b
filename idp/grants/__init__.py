"""Grants of the token endpoint: one file each, named by its registered value.

A grant fills in only what is its own: from an authenticated client and the parameters to an
`Authorization` that is ready to be issued. Does not own client authentication, repeated parameters,
whether the client may use the grant, or issuing: the endpoint and `tokens.issuance` do.
"""
