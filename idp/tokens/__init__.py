"""Tokens: what is issued, how it becomes single-use, how it is taken back.

Owns authorization codes, access, refresh and ID tokens, the grant row behind them (one statement
per change, written out) and the deny list. Does not own who may ask for them: `client_auth`,
`authorization` and `grants` do; nor what is said about a person: that is `claims`.
"""
