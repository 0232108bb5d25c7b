"""SAML service providers that others wrote, each installed from its own package.

All are driven the same way: `base.ServiceProvider`. Each fetches Gatehouse's metadata from its
address, makes its own keys, and is registered by the metadata that it publishes itself.
"""
