"""The front channel: from the parameters of an authorization request to its answer.

Owns the ordered checks, what consent must be asked for, the short way for a person who is signed in
and has agreed, and the answer by query or form_post. Does not own signing in or any page but the
error page: a request that needs a person is stored and handed to `accounts.interaction`.
"""
