"""SAML 2.0: the identity provider for external applications, and later the broker."""
