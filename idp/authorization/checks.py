"""The checks of an authorization request, one reason to refuse each; their order is `pipeline`'s.

A check reads the draft, fills in what it has proven, or raises. Until `registered_redirect_uri` has
passed an error is shown on a page of ours; from then on it goes to the client.
"""

from __future__ import annotations

from contextlib import suppress

from idp import directory
from idp.accounts import requirement
from idp.authorization import front_channel, request_objects
from idp.authorization.request import LONGEST, Draft, only
from idp.protocol import (
    authentication_context,
    claims_request,
    pkce,
    redirect_uri,
    response_mode,
    response_type,
    subject,
)
from idp.protocol import scope as scopes
from idp.protocol.errors import (
    InvalidClient,
    InvalidRequest,
    InvalidScope,
    ProtocolError,
    RegistrationNotSupported,
    UnauthorizedClient,
    UnmetAuthenticationRequirements,
    UnsupportedResponseType,
)
from idp.protocol.vocabulary import GrantType
from idp.tokens import entitlement, id_token


def known_client(draft: Draft) -> None:
    """The client exists (RFC 6749 §4.1.2.1: never a redirect otherwise)."""
    client_id = draft.parameters.one("client_id")
    if client_id is None:
        raise InvalidRequest("client_id is missing")
    draft.client = directory.client(client_id)
    if draft.client is None:
        draft.found(
            expected="the client_id of a registered application",
            received=client_id,
            suggestion="Compare the client_id in the application's settings with the one that was "
            "given when it was registered.",
        )
        raise InvalidClient("there is no such client")


def enabled_application(draft: Draft) -> None:
    """The application is switched on; a disabled one gets nothing, at any entry."""
    if not draft.known_client.application.enabled:
        draft.found(suggestion="Enable the application in the administration.")
        raise UnauthorizedClient("the application is disabled")


def request_object(draft: Draft) -> None:
    """A request object is the client's own, and there where it must be (OIDC Core §6, RFC 9101 §6).

    Its error goes to the address outside of it, if that is a registered one.
    """
    client = draft.known_client
    try:
        if request_objects.are_used(draft.parameters):
            draft.parameters = request_objects.parameters_of(
                client, draft.parameters, now=draft.now
            )
            draft.signed = True
        elif client.require_signed_request_object and not draft.signed:
            raise InvalidRequest("this client must send its request as a signed request object")
    except ProtocolError:
        with suppress(ProtocolError):
            registered_redirect_uri(draft)
            response_mode_known(draft)
        raise


def registered_redirect_uri(draft: Draft) -> None:
    """redirect_uri is there and registered, as an exact string (RFC 9700 §4.1.3)."""
    client = draft.known_client
    presented = draft.parameters.one("redirect_uri")
    if presented is None:
        raise InvalidRequest("redirect_uri is missing")
    if not redirect_uri.matches(presented, client.redirect_uris, native=client.is_native):
        draft.found(
            expected=", ".join(client.redirect_uris),
            received=presented,
            suggestion="Register exactly the received address for this application, or correct it "
            "in the application: scheme, host, port, path and a slash at the end all count.",
        )
        raise InvalidRequest("redirect_uri is not registered for this client")
    draft.redirect_uri = presented
    draft.proven = True


def response_mode_known(draft: Draft) -> None:
    """response_mode is one of ours, fits, and is the client's (OAuth Multiple Response Types §2.1).

    A refusal travels in a way that the client may be answered in.
    """
    wanted = only(draft.parameters, "response_type") or ""
    allowed = draft.known_client.response_modes
    usual = response_mode.default(wanted)
    draft.mode = usual if not allowed or usual in allowed else allowed[0]
    asked = only(draft.parameters, "response_mode")
    mode = response_mode.parse(asked, response_type=wanted)
    if allowed and mode not in allowed:
        raise InvalidRequest(f"this client is answered by {' or '.join(allowed)} only")
    draft.mode = mode


def no_repeated_parameters(draft: Draft) -> None:
    """No parameter comes twice, but resource (RFC 6749 §3.1, RFC 8707 §2)."""
    draft.parameters.refuse_repeated()


def bearable_length(draft: Draft) -> None:
    """No parameter is longer than an address, a token or a row can bear."""
    for name, longest in LONGEST.items():
        if len(draft.parameters.one(name) or "") > longest:
            raise InvalidRequest(f"{name} is longer than {longest} characters")


def unsupported_parameters(draft: Draft) -> None:
    """registration is refused, not ignored (OIDC Core §3.1.2.6)."""
    if "registration" in draft.parameters:
        raise RegistrationNotSupported("the parameter registration is not supported")


def known_response_type(draft: Draft) -> None:
    """response_type is supported, and registered for the client (RFC 6749 §4.1.2.1)."""
    given = draft.parameters.one("response_type")
    if given is None:
        raise InvalidRequest("response_type is missing")
    known = response_type.canonical(given)
    if known is None or known not in front_channel.response_types():
        supported = ", ".join(front_channel.response_types())
        raise UnsupportedResponseType(f"response_type is not supported; use one of: {supported}")
    if not front_channel.may_use(draft.known_client, known):
        raise UnauthorizedClient(f"the client is not registered for {known}")
    draft.response_type = known


def nonce_of_id_token(draft: Draft) -> None:
    """An ID token in the front channel is bound by a nonce (OIDC Core §3.2.2.1, §3.3.2.11)."""
    draft.nonce = draft.parameters.one("nonce") or ""
    if draft.brings(response_type.ID_TOKEN) and not draft.nonce:
        raise InvalidRequest("nonce is required where an ID token comes with the response")


def allowed_scope(draft: Draft) -> None:
    """At least one scope is left of those requested (RFC 6749 §3.3, OIDC Core §3.1.2.1, §11).

    Scopes that are unknown or not the client's are ignored, and so is offline_access for a client
    that cannot use a refresh token, or where no code is asked for.
    """
    client = draft.known_client
    entitled = entitlement.of(client)
    wanted = scopes.parse(draft.parameters.one("scope"))
    allowed = scopes.within(wanted or entitled.default_scope, entitled.scopes)
    if GrantType.REFRESH_TOKEN not in client.grant_types or not draft.brings(response_type.CODE):
        allowed = tuple(one for one in allowed if one != scopes.OFFLINE_ACCESS)
    if not allowed:
        draft.found(
            expected=scopes.join(sorted(entitled.scopes)),
            received=scopes.join(wanted),
            suggestion="Ask for at least one scope that the application may use.",
        )
        raise InvalidScope("no scope that this client may use" if wanted else "scope is missing")
    if draft.brings(response_type.ID_TOKEN) and scopes.OPENID not in allowed:
        raise InvalidScope("an ID token needs the scope openid")
    draft.scope = allowed


def allowed_resources(draft: Draft) -> None:
    """Every resource is an API that the client may use (RFC 8707 §2)."""
    draft.resources = entitlement.resources(draft.known_client, draft.parameters.every("resource"))


def proof_key(draft: Draft) -> None:
    """The code challenge is S256, and there where the client's policy demands it (RFC 7636 §4.4.1).

    A confidential client's OpenID request with a nonce may go without, unless the client is
    strict; one that was set to optional always (RFC 9700 §2.1.1). Without a code there is nothing
    to protect.
    """
    client = draft.known_client
    if not draft.brings(response_type.CODE):
        return
    challenge = draft.parameters.one("code_challenge")
    pkce.validate_challenge(challenge, draft.parameters.one("code_challenge_method"))
    draft.code_challenge = challenge or ""
    if challenge or (client.pkce == client.Pkce.OPTIONAL and not client.is_public):
        return
    bound_by_nonce = scopes.OPENID in draft.scope and draft.nonce and not client.is_public
    if client.pkce == client.Pkce.REQUIRED or not bound_by_nonce:
        draft.found(
            expected="code_challenge with code_challenge_method=S256",
            suggestion="Switch on PKCE in the application; if it cannot, set its proof key "
            "policy to optional (confidential clients only).",
        )
        raise InvalidRequest("code_challenge is required")


def possible_prompt(draft: Draft) -> None:
    """prompt and max_age can be followed (OIDC Core §3.1.2.1)."""
    draft.prompts = authentication_context.parse_prompt(draft.parameters.one("prompt"))
    draft.max_age = authentication_context.parse_max_age(draft.parameters.one("max_age"))
    default = draft.known_client.default_max_age
    if draft.max_age is None and default is not None:
        draft.max_age = authentication_context.parse_max_age(str(default))


def readable_claims(draft: Draft) -> None:
    """The claims parameter is sound; a sub in it is the person that it must be (OIDC Core §5.5)."""
    if scopes.OPENID not in draft.scope:
        return
    draft.claims = claims_request.parse(draft.parameters.one("claims"))
    draft.subject = draft.claims.subject()


def own_id_token_hint(draft: Draft) -> None:
    """id_token_hint was issued by us to this client, however long ago (OIDC Core §3.1.2.1)."""
    hint = draft.parameters.one("id_token_hint")
    if hint is None:
        return
    claims = id_token.read_hint(hint, client_id=draft.known_client.client_id, now=draft.now)
    hinted = claims["sub"]
    if not subject.is_person(hinted) or draft.subject not in (None, hinted):
        raise InvalidRequest("id_token_hint and claims name different people")
    draft.subject = hinted


def reachable_acr(draft: Draft) -> None:
    """An essential acr can be reached here at all (OIDC Core §5.5.1.1)."""
    registered = tuple(draft.known_client.default_acr_values)
    asked = authentication_context.parse_acr_values(draft.parameters.one("acr_values"))
    draft.acr_values = draft.claims.acr_values() or asked or registered
    if draft.claims.essential_acr() and not requirement.is_reachable(draft.requirement()):
        raise UnmetAuthenticationRequirements("no sign-in here reaches the demanded acr")
