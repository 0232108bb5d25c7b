"""What the specifications define: OAuth 2.0, OpenID Connect and JOSE rules as pure functions.

Owns: message and error types, parameter syntax, redirect URI rules, PKCE, JOSE, client metadata,
response modes, authentication requirements, subjects, the claims parameter.
Must not: import Django, touch a database, read a clock, a setting or the network. Every function
takes plain values (`now` included) and returns a value or raises a typed error.
"""
