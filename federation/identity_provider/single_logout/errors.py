"""Why a logout message is refused: the codes of sign-on, in words of its own."""

from __future__ import annotations

from federation.identity_provider.errors import (
    NotAnswered,
    ReplayedRequest,
    StaleRequest,
    UnsignedRequest,
    WrongDestination,
)


class UnsignedLogout(UnsignedRequest):
    """Anybody could have written it."""

    description = "Logout messages have to be signed (SAML Profiles §4.4.4.1)."


class WrongLogoutDestination(WrongDestination):
    """The message was made for another address than the one that it came to."""

    happened = "The application that sent you here addressed its message to another service."
    description = "The Destination is not the SingleLogoutService of our metadata."


class StaleLogout(StaleRequest):
    """The message is too old, or from the future."""

    happened = "The message of the application that sent you here is not valid at this time."
    description = "The logout message is too old, or one of the clocks is wrong."


class ReplayedLogout(ReplayedRequest):
    """The same message has been here before."""

    description = "A LogoutRequest is accepted once."


class UnexpectedAnswer(NotAnswered):
    """A LogoutResponse to nothing that was sent from this browser."""

    code = "unexpected_response"
    happened = "An application answered a sign-out that this browser has not begun, or not lately."
    description = "The RelayState names no LogoutRequest that is under way in this browser."
