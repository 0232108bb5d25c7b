"""How applications hear that a session is over: the outbox, who sends it, and what they answered.

Owns the notices of all channels and the ledger that people and administrators read. OpenID
Connect's two channels are here; others register (`channels`): directly, by the outbox, or through
the browser, by the `journey`. Does not end sessions (`accounts.session` does, and writes the outbox
in the same transaction), and knows no SAML.
"""
