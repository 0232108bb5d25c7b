"""Redirect URIs made from a registered one, none of which may be taken for it (RFC 9700 §4.1).

`mutations(registered)` gives more than 150 of them for an address with a host and a path; each is a
trick that some server fell for, or a byte that two parsers read differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

EVIL = "evil.example"


class Mutation(NamedTuple):
    """One mutated address and what was done to it."""

    name: str
    uri: str


class _Parts(NamedTuple):
    scheme: str
    host: str
    port: str
    path: str
    query: str

    @property
    def authority(self) -> str:
        return self.host + self.port

    def build(self, **changes: str) -> str:
        parts = self._replace(**changes)
        return f"{parts.scheme}://{parts.host}{parts.port}{parts.path}{parts.query}"


def mutations(registered: str) -> Iterator[Mutation]:
    """Yield each mutation once; none equals `registered`."""
    parts = _split(registered)
    seen = {registered}
    for name, made in (
        ("userinfo", _userinfo(parts)),
        ("host", _host(parts)),
        ("port", _port(parts)),
        ("scheme", _scheme(parts)),
        ("path", _path(parts)),
        ("query", _query(parts, registered)),
        ("fragment", _fragment(registered)),
        ("characters", _characters(parts, registered)),
        ("confusable", _confusable(parts)),
        ("shape", _shape(parts, registered)),
    ):
        for number, uri in enumerate(made):
            if uri not in seen:
                seen.add(uri)
                yield Mutation(f"{name}-{number}", uri)


def _split(uri: str) -> _Parts:
    found = re.fullmatch(r"([a-z]+)://(\[[^\]]+\]|[^:/?]+)(:\d+)?(/[^?]*)(\?.*)?", uri)
    assert found, "the corpus needs a registered address with a host and a path"
    scheme, host, port, path, query = (part or "" for part in found.groups())
    return _Parts(scheme, host, port, path, query)


def _userinfo(parts: _Parts) -> Iterator[str]:
    own, rest = parts.authority, parts.path + parts.query
    for authority in (
        f"user@{own}",
        f"user:password@{own}",
        f"@{own}",
        f":@{own}",
        f"{own}@{EVIL}",
        f"{own}:80@{EVIL}",
        f"{own}%40{EVIL}",
        f"{own}@{EVIL}@{own}",
        f"{EVIL}@{own}@{EVIL}",
        f"{own}@{own}",
        f"{EVIL}%00@{own}",
        f"{own}%2f@{EVIL}",
        f"{own}&@{EVIL}",
        f"{own}#@{EVIL}",
        f"{own}?@{EVIL}",
        f"{own}\\@{EVIL}",
        f"{EVIL}\\@{own}",
        f"{own};@{EVIL}",
        f"{own}[@{EVIL}",
    ):
        yield f"{parts.scheme}://{authority}{rest}"


def _host(parts: _Parts) -> Iterator[str]:
    host = parts.host
    for changed in (
        EVIL,
        f"{host}.{EVIL}",
        f"{EVIL}.{host}",
        f"x{host}",
        f"{host}x",
        f"x-{host}",
        f"sub.{host}",
        f"{host}.",
        f"{host}..",
        f".{host}",
        f"{host}%2e",
        f"{host},{EVIL}",
        f"{host}_.{EVIL}",
        f"{host}%0a.{EVIL}",
        f"{host}%09.{EVIL}",
        f"{host}%20",
        f"{host}%5c.{EVIL}",
        f"{host}%23.{EVIL}",
        f"{host}%3f.{EVIL}",
        f"{host}%252f.{EVIL}",
        host.upper(),
        host.title(),
        host.replace(".", "%2e"),
        host.replace(".", "\u3002"),
        host.replace("o", "%6f"),
        host[:-1],
        host[1:],
        "*",
        f"*.{host}",
        "",
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
    ):
        yield parts.build(host=changed)


def _port(parts: _Parts) -> Iterator[str]:
    for port in (
        *(":", ":0", ":80", ":443", ":8443", ":65535", ":65536", ":99999", ":-1"),
        *(":08443", ":8443x", ":8001:8001", ":%38443", ": 443", ":443%20", ":443@evil.example"),
        "",
    ):
        yield parts.build(port=port)
    yield parts.build(port=f"{parts.port}0" if parts.port else ":4430")


def _scheme(parts: _Parts) -> Iterator[str]:
    rest = f"{parts.authority}{parts.path}{parts.query}"
    yield from (f"{scheme}://{rest}" for scheme in ("http", "https", "ftp", "ws", "wss", "file"))
    yield from (
        f"{parts.scheme.upper()}://{rest}",
        f"{parts.scheme.title()}://{rest}",
        f"{parts.scheme}s://{rest}",
        f"x{parts.scheme}://{rest}",
        f"{parts.scheme}:{rest}",
        f"{parts.scheme}:/{rest}",
        f"{parts.scheme}:///{rest}",
        f"{parts.scheme}:////{rest}",
        f"{parts.scheme}:\\\\{rest}",
        f"{parts.scheme}:/\\{rest}",
        f"{parts.scheme}%3a//{rest}",
        f"{parts.scheme} ://{rest}",
        f"//{rest}",
        f"://{rest}",
        rest,
        f"javascript://{rest}/%0aalert(1)",
        f"javascript:alert(1)//{parts.scheme}://{rest}",
        f"data:text/html,<script>alert(1)</script>{rest}",
        f"vbscript:msgbox(1)//{rest}",
        f"view-source:{parts.scheme}://{rest}",
        f"blob:{parts.scheme}://{rest}",
        f"intent://{rest}#Intent;scheme=https;end",
        f"org.example.client://{rest}",
        "about:blank",
        "urn:ietf:wg:oauth:2.0:oob",
    )


def _path(parts: _Parts) -> Iterator[str]:
    path = parts.path
    for changed in (
        *(
            f"{path}/",
            f"{path}//",
            f"/{path}",
            f"{path}/.",
            f"/.{path}",
            f"{path}/..",
            f"/..{path}",
        ),
        *(
            f"{path}/../{EVIL}",
            f"{path}/..;/{EVIL}",
            f"{path}/.;/",
            f"/x/..{path}",
            f"/x/..;{path}",
        ),
        *(f"{path}/%2e%2e/{EVIL}", f"{path}/%2E%2E%2F{EVIL}", f"{path}/..%2f{EVIL}"),
        *(f"{path}/%252e%252e/{EVIL}", f"{path}/..%5c{EVIL}", f"{path}\\..\\{EVIL}"),
        *(f"{path}/%c0%ae%c0%ae/{EVIL}", f"{path}/..%c0%af{EVIL}", f"{path}/..%00/{EVIL}"),
        *(f"{path};", f"{path};a=b", f"{path};jsessionid=1", f"{path}%3ba=b", f"/;a=b{path}"),
        *(f"{path}x", f"{path}/x", f"{path}.html", f"{path}%2f", f"{path}%2fx", f"{path}%20"),
        *(f"{path}+", f"{path}*", f"{path}~", f"{path}:80", f"{path}@{EVIL}", f"{path}%"),
        *(path.upper(), path.title(), path[:-1], "/", "", "*", "/*", f"%2f{path[1:]}"),
        *(path[:-1] + f"%{ord(path[-1]):02x}", path[:-1] + f"%{ord(path[-1]):02X}"),
        *(f"{path}%00", f"{path}%00.html", f"{path}%0d%0aLocation:%20https://{EVIL}"),
        *(f"/%09{path}", f"//{EVIL}{path}", f"/https://{EVIL}{path}", f"/\\{EVIL}{path}"),
    ):
        yield parts.build(path=changed)


def _query(parts: _Parts, registered: str) -> Iterator[str]:
    glue = "&" if parts.query else "?"
    for addition in (
        *("x=1", "code=stolen", "state=s", "iss=https://evil.example", "error=access_denied"),
        *("SAMLResponse=x", "RelayState=x", "redirect_uri=https://evil.example", "", "&", "="),
        *("%63ode=x", "code[]=x", "x=1%26code=2", "x=%0d%0aSet-Cookie:a=b", "x;code=1"),
    ):
        yield f"{registered}{glue}{addition}"
    yield parts.build(query="")
    yield parts.build(query="?")
    yield parts.build(query="??" + parts.query[1:])
    yield parts.build(query=parts.query + "?")
    yield parts.build(query="%3f" + parts.query[1:])
    yield parts.build(query=parts.query + ";x=1")
    if parts.query:
        members = parts.query[1:].split("&")
        yield parts.build(query="?" + "&".join(reversed(members)))
        yield parts.build(query="?" + "&".join((*members, members[0])))
        yield parts.build(query="?" + ";".join((*members, "x=1")))
        yield parts.build(query=parts.query.upper())
        yield parts.build(query=parts.query.replace("=", "%3D"))
        yield parts.build(query=parts.query[:-1])


def _fragment(registered: str) -> Iterator[str]:
    for tail in ("#", "#x", "#/", "#code=1", f"#@{EVIL}", "##", "%23", "%23x", "#?x=1", "\uff03"):
        yield registered + tail


def _characters(parts: _Parts, registered: str) -> Iterator[str]:
    middle = registered.index("://") + 3 + len(parts.authority)
    for character in "\x00\t\n\v\f\r\x1b\x7f \x85\xa0\u2028\u2029\ufeff\u200b\u200d\u202e\xad":
        yield registered + character
        yield character + registered
        yield registered[:middle] + character + registered[middle:]
    yield registered + "\r\nSet-Cookie: a=b"
    yield registered + "\r\n\r\n<script>alert(1)</script>"
    yield registered + "%0d%0aSet-Cookie:%20a=b"
    yield from (registered + tail for tail in ('"', "'", "<", ">", "`", "{", "}", "|", "^", "\\"))
    yield registered.replace("/", "\\")
    yield registered.replace("/", "%2f")
    yield "".join(f"%{ord(character):02x}" for character in registered)


def _confusable(parts: _Parts) -> Iterator[str]:
    """Letters that look alike, or fold to the same one (Unicode TR 36 and 39)."""
    pairs = {
        "a": "\u0430\uff41",
        "e": "\u0435\uff45",
        "o": "\u043e\uff4f",
        "c": "\u0441\uff43",
        "i": "\u0456\uff49\u0131",
        "l": "\u217c\uff4c",
        "k": "\u212a",
        "s": "\u017f",
    }
    for plain, doubles in pairs.items():
        for double in doubles:
            yield parts.build(host=parts.host.replace(plain, double))
            yield parts.build(path=parts.path.replace(plain, double))
    yield parts.build(host=parts.host.replace(".", "\uff0e"))
    yield parts.build(path=parts.path.replace("/", "\u2215"))
    yield parts.build(path=parts.path.replace("/", "\uff0f"))
    yield parts.build(host=f"{parts.host}\uff0f{EVIL}")
    yield parts.build(host=f"{parts.host}\uff1f{EVIL}")
    yield parts.build(host=f"{parts.host}\uff20{EVIL}")
    yield parts.build(host=f"xn--{parts.host}")
    yield parts.build(path=parts.path + "\u00e9")
    yield parts.build(path=parts.path + "e\u0301")


def _shape(parts: _Parts, registered: str) -> Iterator[str]:
    yield f"{registered} {registered}"
    yield f"{registered},{registered}"
    yield registered + registered
    yield f"https://{EVIL}/?{registered}"
    yield f"https://{EVIL}/#{registered}"
    yield f"https://{EVIL}/{registered}"
    yield f"https://{EVIL}\\{registered}"
    yield f"https://{EVIL}/{parts.authority}{parts.path}{parts.query}"
    yield registered[:-1]
    yield registered[1:]
    yield registered.upper()
    yield registered + "x" * 3000
    yield f"[{registered}]"
    yield f"<{registered}>"
    yield f'["{registered}"]'
    yield "null"
    yield "*"
    yield "/"
    yield parts.path
