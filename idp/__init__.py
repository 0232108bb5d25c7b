"""Gatehouse's core: the people, the OAuth 2.0 authorization server and the OpenID provider.

`idp` is also the project package: settings, URLs and the WSGI entry live here.
What speaks SAML lives in `federation`, which builds on this package and is never imported by it.
"""
