"""People at the browser: who is signed in, and what is still to happen before they go on.

Owns sessions, the interaction dispatcher of both protocols, the sign-in and consent pages, access
policy, throttles, logout and the account pages. Does not own what an authorization request or an
AuthnRequest says: its kind (`oidc`, `saml`) stores it, and gets it back with a signed-in person.

Steps never call each other: each changes stored state and leads back to the dispatcher, which
decides from that state alone (`stages.decide`).
"""
