"""What a person reads before they consent: each scope in plain words, with the value it shares.

The values come from `release`, the function that issues, so a mapping row is told as it will be.
Does not decide whether consent is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from idp.claims import release, standard, values
from idp.claims.facts import ApplicationFacts, SessionFacts
from idp.claims.mapping import ACCESS_TOKEN, ID_TOKEN, USERINFO, Row
from idp.claims.person import Person
from idp.claims.values import JSON
from idp.protocol import scope as scope_syntax
from idp.protocol.claims_request import ClaimsRequest

MAX_SHOWN = 300
MAX_ENTRIES = 20
NOTHING = "nothing is recorded"

SCOPE_LABELS: Mapping[str, str] = {
    "openid": "A lasting identifier of your account",
    "profile": "Your name and profile",
    "email": "Your email address",
    "address": "Your postal address",
    "phone": "Your phone number",
    "groups": "The groups you belong to",
    "offline_access": "Stay connected while you are away, until you withdraw it",
}
CLAIM_LABELS: Mapping[str, str] = {
    "name": "Your full name",
    "given_name": "Your given name",
    "family_name": "Your family name",
    "middle_name": "Your middle name",
    "nickname": "Your nickname",
    "preferred_username": "Your user name",
    "profile": "Your profile page",
    "picture": "Your picture",
    "website": "Your website",
    "gender": "Your gender",
    "birthdate": "Your date of birth",
    "zoneinfo": "Your time zone",
    "locale": "Your language",
    "updated_at": "When your profile last changed",
    "email": "Your email address",
    "email_verified": "Whether your email address is confirmed",
    "address": "Your postal address",
    "phone_number": "Your phone number",
    "phone_number_verified": "Whether your phone number is confirmed",
    "groups": "The groups you belong to",
}
# Said by the same line already: parts of the name that the name holds, and what only machines read.
_PARTS_OF_NAME = frozenset({"given_name", "family_name", "middle_name"})
_UNSAID = frozenset({"updated_at", "email_verified", "phone_number_verified"})


class ConsentLine(NamedTuple):
    """One line: `scope` (empty for what no scope holds), plain words, and the actual value.

    The value is empty where there is none to show: `text` says so where one was to be expected.
    """

    scope: str
    label: str
    value: str
    expects_value: bool = True

    @property
    def text(self) -> str:
        """The whole line."""
        if not self.expects_value:
            return self.label
        return f"{self.label}: {self.value or NOTHING}"


def consent_lines(
    person: Person,
    *,
    application: ApplicationFacts,
    scopes: Sequence[str],
    claims_request: ClaimsRequest | None = None,
    rows: Sequence[Row] = (),
    session: SessionFacts | None = None,
    descriptions: Mapping[str, str] | None = None,
) -> list[ConsentLine]:
    """What `application` will learn about `person` and may do, one line each.

    `scopes`: those that would be granted. `descriptions`: the words of resource scopes by name.
    First the scopes in their order, then what is requested by name or mapped without a scope.
    """
    told = _told(
        person,
        application=application,
        scopes=scopes,
        claims_request=claims_request,
        rows=rows,
        session=session,
    )
    lines = [
        _scope_line(scope, person=person, told=told, descriptions=descriptions or {})
        for scope in scopes
    ]
    return [*lines, *_further_lines(told, scopes=scopes, rows=rows)]


def _told(
    person: Person,
    *,
    application: ApplicationFacts,
    scopes: Collection[str],
    claims_request: ClaimsRequest | None,
    rows: Sequence[Row],
    session: SessionFacts | None,
) -> dict[str, list[JSON]]:
    """Every claim that would go out, with its distinct values over all targets."""
    told: dict[str, list[JSON]] = {}
    for target in (USERINFO, ID_TOKEN, ACCESS_TOKEN):
        released = release.release(
            person,
            application=application,
            target=target,
            scopes=scopes,
            claims_request=claims_request,
            session=session,
            rows=rows,
        )
        for claim, value in released.claims.items():
            if value not in told.setdefault(claim, []):
                told[claim].append(value)
    return told


def _scope_line(
    scope: str,
    *,
    person: Person,
    told: Mapping[str, list[JSON]],
    descriptions: Mapping[str, str],
) -> ConsentLine:
    if scope == scope_syntax.OPENID:
        return ConsentLine(scope, SCOPE_LABELS[scope], person.id)
    if scope not in standard.SCOPE_CLAIMS:
        words = SCOPE_LABELS.get(scope) or descriptions.get(scope) or f"Use “{scope}” for you"
        return ConsentLine(scope, words, "", expects_value=False)
    claims = [name for name in standard.SCOPE_CLAIMS[scope] if name in told]
    said = [name for name in claims if name not in _UNSAID and not _is_in_name(name, told)]
    return ConsentLine(scope, SCOPE_LABELS[scope], "\n".join(_labelled(said, told)))


def _is_in_name(claim: str, told: Mapping[str, list[JSON]]) -> bool:
    """Whether the full name already shows this part of it, word by word."""
    if claim not in _PARTS_OF_NAME or "name" not in told:
        return False
    return set(_words(told[claim]).split()) <= set(_words(told["name"]).split())


def _labelled(claims: Sequence[str], told: Mapping[str, list[JSON]]) -> Iterator[str]:
    """One line a claim: the first speaks for itself, the others say what they are."""
    for number, claim in enumerate(claims):
        words = _words(told[claim])
        label = CLAIM_LABELS[claim].removeprefix("Your ")
        yield words if number == 0 else f"{label[0].upper()}{label[1:]}: {words}"


def _further_lines(
    told: Mapping[str, list[JSON]], *, scopes: Collection[str], rows: Sequence[Row]
) -> Iterator[ConsentLine]:
    impersonal = {row.claim for row in rows} - {row.claim for row in rows if row.reads_person}
    conditions = {row.claim: row.scope for row in rows}
    for claim, found in told.items():
        if standard.SCOPE_OF.get(claim) in scopes or claim in impersonal:
            continue
        label = CLAIM_LABELS.get(claim, f"Your “{claim}”")
        yield ConsentLine(conditions.get(claim, ""), label, _words(found))


def _words(found: Sequence[JSON]) -> str:
    """The values of one claim as a person reads them, shortened where a page would burst."""
    texts = list(dict.fromkeys(text for value in found for text in _texts(value)))
    shown = [*texts[:MAX_ENTRIES]]
    if len(texts) > MAX_ENTRIES:
        shown.append(f"and {len(texts) - MAX_ENTRIES} more")
    words = " ".join(", ".join(shown).split())
    return words if len(words) <= MAX_SHOWN else f"{words[:MAX_SHOWN]}…"


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, dict):
        formatted = value.get("formatted")
        yield from _texts(formatted if formatted else list(value.values()))
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
    elif isinstance(value, bool):
        yield "yes" if value else "no"
    else:
        yield ", ".join(values.as_text(value).splitlines())
