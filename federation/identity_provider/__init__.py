"""The SAML 2.0 identity provider: who may ask, what is answered, what our metadata says.

Messages are read and built in `federation.saml`; signing in and consent belong to `idp.accounts`,
what is said about a person to `idp.claims`. This package joins them.
"""
