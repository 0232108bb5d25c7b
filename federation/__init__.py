"""SAML 2.0: what Gatehouse is towards other identity and service providers.

Owns: `saml/` (messages and XML, no Django), `models/` (service providers, persistent NameIDs),
`identity_provider/` (single sign-on, our metadata) and the admin pages of all this.
Must not: issue or read OAuth tokens, ask a person anything itself (that is idp.accounts), or be
imported by `idp`; it registers what it adds in `apps.FederationConfig.ready()`.
"""
