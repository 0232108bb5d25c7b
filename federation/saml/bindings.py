"""How messages travel: HTTP Redirect and HTTP POST (SAML Bindings §3.4, §3.5).

Decodes what arrives into one `Message`, keeping the raw octets that a Redirect signature covers;
prepares the form or signed address that carries one of ours. Parses no XML, knows no endpoint.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlencode

from federation.saml import errors, signature, vocabulary, xml

MAX_RELAY_STATE = 2_048
MAX_ENCODED = 512 * 1024
MAX_PARAMETERS = 64
# One in ten characters of the longest message, broken into lines; taking one out costs as much as
# 50 others.
MAX_ESCAPES = 32 * 1024
MAX_RATIO = 100
# A short message may well pack better than that.
RATIO_FREE = 16 * 1024
_CHUNK = 16 * 1024

PARAMETERS = ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding")
MESSAGES = ("SAMLRequest", "SAMLResponse")

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LINE_BREAKS = re.compile(r"[\r\n]+")


@dataclass(frozen=True, slots=True)
class DetachedSignature:
    """The signature of the Redirect binding and the octets it covers (SAML Bindings §3.4.4.1)."""

    algorithm: str
    value: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A SAML message as it came. `kind`: SAMLRequest or SAMLResponse; `xml`: not parsed yet."""

    binding: str
    kind: str
    xml: bytes
    relay_state: str | None = None
    signature: DetachedSignature | None = None


@dataclass(frozen=True, slots=True)
class PostForm:
    """The form that carries a message by POST. Values are raw: the template escapes them."""

    action: str
    fields: tuple[tuple[str, str], ...]


def decode_redirect(query: str) -> Message:
    """Decode the raw query of a Redirect request (SAML Bindings §3.4.4). Raises InvalidMessage.

    `query`: as it stood in the request line, not decoded by anybody, since a signature covers it.
    """
    raw = _parameters(query)
    kind = _kind(raw)
    encoding = _decoded(raw, "SAMLEncoding")
    if encoding not in (None, vocabulary.DEFLATE):
        raise errors.InvalidMessage("encoding", f"SAMLEncoding {encoding!r}")
    packed = _base64(_decoded(raw, kind) or "", check="base64")
    return Message(
        binding=vocabulary.REDIRECT,
        kind=kind,
        xml=inflate(packed),
        relay_state=_relay_state(raw),
        signature=_detached_signature(raw, kind),
    )


def decode_post(body: bytes) -> Message:
    """Decode the form of a POST request (SAML Bindings §3.5.4). Raises InvalidMessage.

    `body`: application/x-www-form-urlencoded. Line breaks in the base64 are allowed here.
    """
    try:
        raw = _parameters(body.decode("ascii"))
    except UnicodeDecodeError as error:
        raise errors.InvalidMessage("form", "the form is not ASCII") from error
    kind = _kind(raw)
    for name in ("SigAlg", "Signature", "SAMLEncoding"):
        if name in raw:
            raise errors.InvalidMessage("parameter", f"{name} does not belong to this binding")
    encoded = _LINE_BREAKS.sub("", _decoded(raw, kind) or "")
    return Message(
        binding=vocabulary.POST,
        kind=kind,
        xml=_base64(encoded, check="base64"),
        relay_state=_relay_state(raw),
    )


def _parameters(query: str) -> dict[str, str]:
    """Return our parameters with their raw values. Others are none of our business.

    A name of ours may not stand twice, nor be written with escapes, which others would decode.
    """
    if len(query) > MAX_ENCODED:
        raise errors.MessageTooLarge("size", f"{len(query)} characters")
    if query.count("&") >= MAX_PARAMETERS:
        raise errors.MessageTooLarge("parameters", f"more than {MAX_PARAMETERS} parameters")
    if query.count("%") > MAX_ESCAPES:
        raise errors.MessageTooLarge("escapes", f"more than {MAX_ESCAPES} escapes")
    found: dict[str, str] = {}
    for pair in query.split("&"):
        raw_name, _, value = pair.partition("=")
        name = _unquote(raw_name, check="parameter")
        if name not in PARAMETERS:
            continue
        if raw_name != name:
            raise errors.InvalidMessage("parameter", f"{name} is written with escapes")
        if name in found:
            raise errors.InvalidMessage("repeated_parameter", f"{name} is repeated")
        found[name] = value
    return found


def _kind(raw: dict[str, str]) -> str:
    """Return which message there is: exactly one."""
    present = [name for name in MESSAGES if name in raw]
    if len(present) != 1:
        raise errors.InvalidMessage("one_message", f"{present or 'no message'}")
    return present[0]


def _unquote(raw: str, *, check: str) -> str:
    if _BAD_ESCAPE.search(raw):
        raise errors.InvalidMessage(check, "a broken percent escape")
    try:
        return unquote_to_bytes(raw.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.InvalidMessage(check, "not UTF-8") from error


def _decoded(raw: dict[str, str], name: str) -> str | None:
    return _unquote(raw[name], check="escape") if name in raw else None


def _relay_state(raw: dict[str, str]) -> str | None:
    """Return RelayState unchanged; its 80 bytes are not enforced by anybody, 2,048 are here."""
    value = _decoded(raw, "RelayState")
    if value is None:
        return None
    if len(value.encode()) > MAX_RELAY_STATE or "\0" in value:
        raise errors.InvalidMessage("relay_state", f"{len(value)} characters")
    return value


def _detached_signature(raw: dict[str, str], kind: str) -> DetachedSignature | None:
    """Return the signature with the octets it covers, in the order of SAML Bindings §3.4.4.1."""
    if ("SigAlg" in raw) != ("Signature" in raw):
        raise errors.InvalidSignature("signature_pair", "SigAlg and Signature go together")
    if "SigAlg" not in raw:
        return None
    algorithm = _decoded(raw, "SigAlg") or ""
    covered = [name for name in (kind, "RelayState", "SigAlg") if name in raw]
    octets = "&".join(f"{name}={raw[name]}" for name in covered)
    value = _base64(_decoded(raw, "Signature") or "", check="signature_base64")
    return DetachedSignature(algorithm=algorithm, value=value, octets=octets.encode())


def _base64(value: str, *, check: str) -> bytes:
    try:
        octets = binascii.a2b_base64(value, strict_mode=True)
    except ValueError as error:
        raise errors.InvalidMessage(check, str(error)) from error
    if not octets:
        raise errors.InvalidMessage(check, "empty")
    return octets


def inflate(packed: bytes, *, limit: int = xml.MESSAGE.size) -> bytes:
    """Return the inflated message; stops as soon as it is too much (CVE-2023-28119).

    Raises InvalidMessage for anything but one whole raw DEFLATE stream (RFC 1951).
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = bytearray()
    waiting = packed
    try:
        while not stream.eof:
            piece = stream.decompress(waiting, _CHUNK)
            waiting = stream.unconsumed_tail
            unpacked += piece
            _check_growth(len(unpacked), packed=len(packed), limit=limit)
            if not piece and not waiting:
                break
    except zlib.error as error:
        raise errors.InvalidMessage("deflate", str(error)) from error
    if not stream.eof or stream.unused_data:
        raise errors.InvalidMessage("deflate", "cut off, or followed by something else")
    return bytes(unpacked)


def _check_growth(unpacked: int, *, packed: int, limit: int) -> None:
    if unpacked > limit:
        raise errors.MessageTooLarge("inflated_size", f"more than {limit} bytes inflated")
    if unpacked > RATIO_FREE and unpacked > packed * MAX_RATIO:
        raise errors.MessageTooLarge("inflate_ratio", f"{packed} bytes became {unpacked}")


def verify_redirect(message: Message, *, keys: Sequence[signature.VerificationKey]) -> None:
    """Verify the signature of a message that came by Redirect (SAML Bindings §3.4.4.1).

    `keys`: the signing keys of the sender's metadata. Raises InvalidSignature.
    """
    detached = message.signature
    if detached is None:
        raise errors.InvalidSignature("signature_missing", "no Signature parameter")
    signature.verify_octets(
        detached.value, detached.octets, algorithm=detached.algorithm, keys=keys
    )


def redirect_url(
    message: bytes,
    *,
    url: str,
    kind: str,
    relay_state: str | None,
    key: signature.SigningKey,
    algorithm: str | None = None,
) -> str:
    """Return the address that carries a signed message of ours (SAML Bindings §3.4.4.1).

    `kind`: SAMLRequest or SAMLResponse. The message itself carries no signature.
    """
    algorithm = algorithm or key.default_algorithm
    parameters = [(kind, base64.b64encode(deflate(message)).decode("ascii"))]
    if relay_state is not None:
        parameters.append(("RelayState", relay_state))
    parameters.append(("SigAlg", algorithm))
    octets = urlencode(parameters, quote_via=quote, safe="")
    value = base64.b64encode(key.sign(octets.encode(), algorithm=algorithm)).decode("ascii")
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}{octets}&Signature={quote(value, safe='')}"


def deflate(message: bytes) -> bytes:
    """Return the message as one raw DEFLATE stream (RFC 1951)."""
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(message) + stream.flush()


def post_form(
    message: bytes, *, action: str, relay_state: str | None, kind: str = "SAMLResponse"
) -> PostForm:
    """Return the form that posts a message of ours to `action` (SAML Bindings §3.5.4).

    `kind`: SAMLRequest or SAMLResponse. `relay_state`: ours beside a request, else the service
    provider's own, given back unchanged.
    """
    fields = [(kind, base64.b64encode(message).decode("ascii"))]
    if relay_state is not None:
        fields.append(("RelayState", relay_state))
    return PostForm(action=action, fields=tuple(fields))
