"""SAML metadata: read a service provider's, publish our own (SAML Metadata §2).

`service_provider` parses what an administrator pastes or uploads; `identity_provider` builds ours.
Fetches nothing and stores nothing.
"""
