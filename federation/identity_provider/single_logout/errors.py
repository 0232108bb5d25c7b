"""Why a LogoutRequest is refused: codes and words beside those of sign-on."""

from __future__ import annotations

from federation.identity_provider.errors import NotAnswered


class UnsignedLogout(NotAnswered):
    """Anybody could have written it."""

    code = "unsigned_request"
    description = "Logout messages have to be signed (SAML Profiles §4.4.4.1)."


class WrongLogoutDestination(NotAnswered):
    """The message was made for another address than the one that it came to."""

    code = "wrong_destination"
    happened = "The application that sent you here addressed its message to another service."
    description = "The Destination is not the SingleLogoutService of our metadata."


class StaleLogout(NotAnswered):
    """The message is too old, or from the future."""

    code = "expired_request"
    happened = "The message of the application that sent you here is not valid at this time."
    description = "The logout message is too old, or one of the clocks is wrong."


class ReplayedLogout(NotAnswered):
    """The same message has been here before."""

    code = "repeated_request"
    happened = "This link has been used before. Each of them works once."
    description = "A LogoutRequest is accepted once."


class UnexpectedAnswer(NotAnswered):
    """A LogoutResponse to nothing that was sent from this browser."""

    code = "unexpected_response"
    happened = "An application answered a sign-out that this browser has not begun, or not lately."
    description = "The RelayState names no LogoutRequest that is under way in this browser."
