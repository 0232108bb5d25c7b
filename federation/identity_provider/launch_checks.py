"""The checks of a start from here, where no request has come (SAML Profiles §4.1.5).

Its address is a link that anybody can put anywhere, so nothing in it decides anything: what is sent
along is one of the texts that an administrator has listed, and it goes to the registered address.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from federation.identity_provider.errors import NotStartedHere
from federation.identity_provider.received import printable
from federation.identity_provider.request import Draft
from federation.saml import assertion_consumer_service, bindings

RELAY_STATE = "RelayState"
MAX_QUERY = 4 * bindings.MAX_RELAY_STATE


def may_be_started_from_here(draft: Draft) -> None:
    """An administrator has switched it on (SAML Profiles §4.1.5)."""
    if not draft.known.row.idp_initiated:
        draft.found(
            suggestion="Switch on “may be started from here” for the application, or let people"
            " begin at the application.",
        )
        raise NotStartedHere("idp_initiated", "switched off")


def allowed_relay_state(draft: Draft) -> None:
    """The RelayState is one of those listed for it; without one it is the first of them."""
    given = _relay_states(draft)
    listed = [one for one in draft.known.row.relay_states if isinstance(one, str)]
    if not given:
        draft.relay_state = listed[0] if listed else None
        return
    if len(given) > 1 or given[0] not in listed:
        draft.found(
            expected=", ".join(listed) or "none",
            received=printable(", ".join(given)),
            suggestion="Add exactly the received text to the application's RelayStates, or use one"
            " of those that are listed.",
        )
        raise NotStartedHere("relay_state", f"{len(given)} given, not one that is listed")
    draft.relay_state = given[0]


def _relay_states(draft: Draft) -> list[str]:
    query = draft.origin.query[:MAX_QUERY]
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=None)
    return [value for name, value in pairs if name == RELAY_STATE]


def default_consumer(draft: Draft) -> None:
    """It has an address that responses are sent to (SAML Profiles §4.1.5)."""
    services = draft.known.assertion_consumer_services
    chosen = assertion_consumer_service.choose(
        services, request=None, bindings=draft.known.bindings
    )
    draft.acs_url, draft.binding = chosen.url, chosen.binding


def usual_name_id_format(draft: Draft) -> None:
    """The NameID is of the format that is set for it."""
    draft.name_id_format = draft.known.row.default_name_id_format
