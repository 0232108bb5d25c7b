"""Client authentication: one file per registered token_endpoint_auth_method (RFC 7591 §2).

`registry.authenticate` finds the one method that a request uses and demands that it is the one that
was registered. Does not own what the client may do afterwards.
"""
