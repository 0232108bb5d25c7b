"""Which claims go out, and why: for ID token, UserInfo, access token, SAML assertion and preview.

The decision (OIDC Core §5.4, §5.5):

- Claims of granted scopes go to UserInfo; into the ID token only if the application wants that.
- A claim requested by name goes where it was requested if the application may ask for the scope
  that holds it, granted or not: consent lists such claims (`requested_beyond_scopes`) before they
  get here. Requested with a value that is not the person's, it stays out. Unknown ones are ignored.
- A mapping row that goes to the application (ID token or UserInfo) takes its claim over in both:
  where it does not go, the built-in rule does not say the claim either. A row that fails denies its
  claim. Of several rows for one claim the first that has a value wins.
- Empty claims are left out; `email_verified` goes only with the address it speaks of.

Does not decide iss, sub, aud, acr and the like, nor a mismatch of a requested `sub`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from idp.claims import facts as sources
from idp.claims import mapping, reasons, saml_attributes, standard, values
from idp.claims.errors import MappingError
from idp.claims.facts import ApplicationFacts, Facts, SessionFacts
from idp.claims.mapping import ACCESS_TOKEN, ID_TOKEN, SAML, USERINFO, Row
from idp.claims.person import Person
from idp.claims.reasons import Reason
from idp.claims.saml_attributes import SamlAttribute
from idp.claims.values import JSON
from idp.protocol.claims_request import Claim, ClaimsRequest

TARGETS: Mapping[str, str] = {
    ID_TOKEN: "the ID token",
    USERINFO: "UserInfo",
    ACCESS_TOKEN: "the access token",
    SAML: "the SAML assertion",
}
_TO_APPLICATION = frozenset({ID_TOKEN, USERINFO})


@dataclass(frozen=True, slots=True)
class Release:
    """What goes out to one target: `claims` (OIDC) or `attributes` (SAML), and why."""

    claims: dict[str, JSON]
    attributes: tuple[SamlAttribute, ...]
    reasons: tuple[Reason, ...]


def release(
    person: Person | None,
    *,
    application: ApplicationFacts,
    target: str,
    scopes: Collection[str] = (),
    claims_request: ClaimsRequest | None = None,
    session: SessionFacts | None = None,
    rows: Sequence[Row] = (),
) -> Release:
    """Decide what `application` is told at `target`: id_token, userinfo, access_token or saml.

    `person`: None for a machine, and where `needs_person` says so. `scopes`: the granted ones;
    SAML has none. `rows`: all mapping rows of the application in their order.
    """
    facts = Facts(person, application, session)
    if target == SAML:
        return _to_saml(facts, rows=rows or saml_attributes.DEFAULT_ROWS)
    requested = requested_claims(claims_request, target=target)
    decision = _Decision(facts, target=target, scopes=scopes, requested=requested, rows=rows)
    if person is not None:
        decision.take_scopes(person)
        decision.take_requested(person)
    for row in rows:
        decision.take_row(row)
    if rows:
        decision.drop_companions()
    return Release(decision.claims, (), tuple(decision.reasons.values()))


def needs_person(
    *,
    application: ApplicationFacts,
    target: str,
    scopes: Collection[str] = (),
    claims_request: ClaimsRequest | None = None,
    rows: Sequence[Row] = (),
) -> bool:
    """Whether `release` could say anything about the person here; False spares reading them."""
    if any(target in row.destinations and row.reads_person for row in rows):
        return True
    if target == SAML:
        return not rows
    if _carries_scopes(target, application) and any(s in standard.SCOPE_CLAIMS for s in scopes):
        return True
    requested = requested_claims(claims_request, target=target)
    return any(name in standard.SCOPE_OF for name in requested)


def requested_claims(claims_request: ClaimsRequest | None, *, target: str) -> Mapping[str, Claim]:
    """What the claims parameter requests by name for one target (OIDC Core §5.5)."""
    if claims_request is None:
        return {}
    if target == USERINFO:
        return claims_request.userinfo
    return claims_request.id_token if target == ID_TOKEN else {}


def requested_beyond_scopes(
    claims_request: ClaimsRequest | None, *, scopes: Collection[str], application: ApplicationFacts
) -> tuple[str, ...]:
    """The standard claims that are requested by name and would go out though no scope holds them.

    Consent must cover them like scopes: they are listed, and stored with what was agreed to.
    """
    names = {
        **requested_claims(claims_request, target=ID_TOKEN),
        **requested_claims(claims_request, target=USERINFO),
    }
    held = ((name, standard.SCOPE_OF.get(name)) for name in names)
    return tuple(name for name, s in held if s and s not in scopes and s in application.scopes)


_READERS = {name: sources.USER_KEYS[name] for name in standard.CLAIMS if name != "groups"}
_READERS["groups"] = lambda person: [*person.groups]


def _carries_scopes(target: str, application: ApplicationFacts) -> bool:
    if target == ID_TOKEN:
        return application.id_token_scope_claims
    return target == USERINFO


class _Decision:
    """One decision on its way: the claims so far, and a reason for each that was looked at."""

    def __init__(
        self,
        facts: Facts,
        *,
        target: str,
        scopes: Collection[str],
        requested: Mapping[str, Claim],
        rows: Sequence[Row],
    ) -> None:
        self._facts = facts
        self._target = target
        self._scopes = scopes
        self._requested = requested
        self._rows = rows
        self._taken = _taken_over(rows)
        self._denied: set[str] = set()
        self.claims: dict[str, JSON] = {}
        self.reasons: dict[str, Reason] = {}

    def take_scopes(self, person: Person) -> None:
        """The claims of the scopes, as far as they go to this target."""
        carries = _carries_scopes(self._target, self._facts.application)
        withheld = reasons.AT_USERINFO if self._target == ID_TOKEN else reasons.ONLY_ROWS
        for scope, granted in reasons.GRANTED.items():
            if scope not in self._scopes:
                self.reasons.update(reasons.NOT_GRANTED[scope])
            elif not carries:
                self.reasons.update(withheld[scope])
            else:
                for reason in granted.values():
                    self._take(person, reason)

    def take_requested(self, person: Person) -> None:
        """What the claims parameter asks for by name (OIDC Core §5.5)."""
        for claim, requirement in self._requested.items():
            if claim in self.claims or claim in self._taken or claim in standard.RESERVED:
                continue
            scope = standard.SCOPE_OF.get(claim)
            if scope is None:
                self._withhold(claim, "it was requested, but is not known here", source="")
            elif not self._may_request(scope):
                because = f"it was requested, but the application may not ask for {scope}"
                self._withhold(claim, because, source=reasons.origin(claim))
            elif not requirement.accepts(_READERS[claim](person)):
                because = "it was requested with another value than this person's"
                self._withhold(claim, because, source=reasons.origin(claim))
            else:
                self._take(person, reasons.REQUESTED[claim])

    def take_row(self, row: Row) -> None:
        """What one mapping row adds, or why it adds nothing."""
        claim = row.claim
        if claim in self.claims or claim in self._denied:
            return
        if self._target not in row.destinations and claim not in self._taken:
            return
        source = row.describe_source()
        obstacle = self._obstacle(row)
        if obstacle:
            self._withhold(claim, obstacle, source=source)
            return
        try:
            value = _typed(row, mapping.apply(row, self._facts))
        except MappingError as error:
            self._denied.add(claim)
            self._withhold(claim, f"its mapping failed: {error}", source=source)
            return
        if values.is_empty(value):
            self._withhold(claim, "its mapping row gives no value", source=source)
            return
        self.claims[claim] = value
        self.reasons[claim] = Reason(claim, True, f"mapping row {row.position}", source)

    def drop_companions(self) -> None:
        """Take back what speaks of a claim that a mapping row took over and did not give."""
        for claim, subject in standard.COMPANION_OF.items():
            if claim in self._taken or claim not in self.claims or subject not in self._taken:
                continue
            if subject not in self.claims:
                del self.claims[claim]
                source = reasons.origin(claim)
                self._withhold(claim, f"{subject}, which it speaks of, is not there", source=source)

    def _take(self, person: Person, reason: Reason) -> None:
        claim = reason.claim
        if claim in self._taken:
            return
        subject = standard.COMPANION_OF.get(claim)
        if subject and not getattr(person, subject):
            self.reasons[claim] = reasons.EMPTY[claim]
            return
        if subject in self._taken and not _same_subject(subject, self._rows):
            because = f"a mapping row gives another {subject}, of which this says nothing"
            self._withhold(claim, because, source=reason.source)
            return
        value = _READERS[claim](person)
        if not value and value is not False:
            self.reasons[claim] = reasons.EMPTY[claim]
            return
        self.claims[claim] = value
        self.reasons[claim] = reason

    def _obstacle(self, row: Row) -> str:
        """Why a row is not even asked for its value, in words; else an empty string."""
        if row.claim in standard.RESERVED:
            return "the protocol itself says it"
        if self._target not in row.destinations:
            return f"its mapping row does not go to {TARGETS[self._target]}"
        if row.scope and row.scope not in self._scopes and not self._may_request_row(row):
            return f"its mapping row wants the scope {row.scope}, which was not granted"
        return ""

    def _withhold(self, claim: str, because: str, *, source: str) -> None:
        self.reasons[claim] = Reason(claim, False, because, source)

    def _may_request(self, scope: str) -> bool:
        return scope in self._scopes or scope in self._facts.application.scopes

    def _may_request_row(self, row: Row) -> bool:
        return row.claim in self._requested and row.scope in self._facts.application.scopes


def _taken_over(rows: Sequence[Row]) -> Collection[str]:
    """The claims that rows say to the application in place of the built-in rules."""
    return {row.claim for row in rows if row.broken or row.destinations & _TO_APPLICATION}


def _same_subject(claim: str | None, rows: Sequence[Row]) -> bool:
    """Whether the rows of `claim` give the recorded value itself, at most in another case."""
    return all(
        (row.source, row.key) == (sources.USER, claim)
        and all(step.name in ("lower", "trim") for step in row.transforms)
        for row in rows
        if row.claim == claim
    )


def _typed(row: Row, value: JSON) -> JSON:
    """Refuse a value that a standard claim of this name cannot have (OIDC Core §5.1)."""
    wanted = "" if values.is_empty(value) else standard.wrong_type(row.claim, value)
    if wanted:
        message = f"“{row.claim}” must be {wanted}, not {values.kind(value)}."
        raise MappingError(message, position=row.position)
    return value


def _to_saml(facts: Facts, *, rows: Sequence[Row]) -> Release:
    attributes: dict[tuple[str, str], SamlAttribute] = {}
    why: dict[tuple[str, str], Reason] = {}
    denied: set[tuple[str, str]] = set()
    for row in rows:
        name = (row.claim, row.name_format)
        if SAML not in row.destinations or name in attributes or name in denied:
            continue
        source = row.describe_source()
        try:
            attribute = saml_attributes.attribute(row, mapping.apply(row, facts))
        except MappingError as error:
            denied.add(name)
            why[name] = Reason(row.claim, False, f"its mapping failed: {error}", source)
            continue
        if attribute is None:
            why[name] = Reason(row.claim, False, reasons.EMPTY_ATTRIBUTE, source)
            continue
        attributes[name] = attribute
        because = f"mapping row {row.position}"
        if rows is saml_attributes.DEFAULT_ROWS:
            because = reasons.DEFAULT_ATTRIBUTE
        why[name] = Reason(row.claim, True, because, source)
    return Release({}, tuple(attributes.values()), tuple(why.values()))
