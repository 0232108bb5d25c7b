"""How applications hear that a session is over: the outbox, who sends it, and what they answered.

Owns the notices of both OpenID Connect channels and the ledger that people and administrators read.
Does not end sessions (`accounts.session` does, and writes the outbox in the same transaction), and
knows no SAML: service providers stand in the ledger as participants that are not told.
"""
