"""SAML 2.0 messages and XML for an identity provider; no Django, no database, no clock.

Owns the one hardened parse (`xml`), the one verification that returns the verified element
(`signature`), the bindings, the typed AuthnRequest, the builders of assertions, Responses and
metadata, and encryption. All lxml and xmlsec of the project is in here.
Must not: know who a service provider or a person is, remember anything, ask for the time, or open
a connection. Semantic checks against what is registered are in `federation.identity_provider`.

A message goes: `bindings.decode_redirect` or `decode_post`, then `authn_request.receive`, which
parses once, validates, inspects every signature, verifies, and reads the verified element only.
"""
