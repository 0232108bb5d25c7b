"""The HTML of the demonstration applications; every value is escaped here and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

INSTANTS = ("exp", "iat", "nbf", "auth_time", "updated_at")


@dataclass(frozen=True, slots=True)
class Brand:
    """An application's name and looks."""

    name: str
    protocol: str
    tone: str
    letter: str
    home: str
    gatehouse: str
    sibling_name: str
    sibling: str

    def frame(self, title: str, body: str) -> str:
        """A whole document around `body`, which is HTML."""
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(title)} · {escape(self.name)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
</head>
<body class="{self.tone}">
<header>
<a class="brand" href="/"><span class="mark" aria-hidden="true">{self.letter}</span>
{escape(self.name)}</a>
<span class="protocol">{escape(self.protocol)}</span>
</header>
<main>
{body}
</main>
<footer>
<nav aria-label="Elsewhere">
<a href="{escape(self.gatehouse)}">Gatehouse</a>
<a href="{escape(self.sibling)}">{escape(self.sibling_name)}</a>
</nav>
<p>A demonstration: it keeps what it received in memory only.</p>
</footer>
</body>
</html>
"""


def icon(brand: Brand) -> str:
    """The mark for the browser's tab."""
    colour = {"web": "#1d4fa8", "saas": "#7a2f8f"}[brand.tone]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="9" fill="{colour}"/>'
        '<text x="16" y="23" font-family="sans-serif" font-size="20" font-weight="700" '
        f'text-anchor="middle" fill="#fff">{brand.letter}</text></svg>'
    )


def welcome(title: str, text: str, *, actions: str) -> str:
    """The page before anybody signed in."""
    return (
        f'<section class="welcome"><h1>{escape(title)}</h1>'
        f'<p class="lead">{escape(text)}</p><p class="actions">{actions}</p></section>'
    )


def signed_in(name: str, *, actions: str) -> str:
    """The head of the page that shows what was received."""
    return (
        f'<section class="person"><span class="initial" aria-hidden="true">'
        f"{escape(name[:1].upper())}</span><div><p>You are signed in as</p>"
        f'<h1 id="person">{escape(name)}</h1></div></section><div class="actions">{actions}</div>'
    )


def problem(title: str, explanation: str, *, code: str) -> str:
    """What went wrong, and the way on."""
    shown = f'<p class="code"><code id="error-code">{escape(code)}</code></p>' if code else ""
    return (
        f'<section class="welcome problem"><h1>{escape(title)}</h1>{shown}'
        f'<p class="lead" id="error-explanation">{escape(explanation)}</p>'
        f'<p class="actions">{link("Back to the start", "/", main=True)}</p></section>'
    )


def link(text: str, address: str, *, main: bool = False, id_: str = "") -> str:
    """A link that looks like a button."""
    kind = "button main" if main else "button"
    identity = f' id="{id_}"' if id_ else ""
    return f'<a class="{kind}"{identity} href="{escape(address)}">{escape(text)}</a>'


def text_link(text: str, address: str) -> str:
    """A link among buttons."""
    return f'<a class="quiet" href="{escape(address)}">{escape(text)}</a>'


def button(text: str, address: str, *, id_: str) -> str:
    """A form of one button, for what changes something."""
    return (
        f'<form method="post" action="{escape(address)}">'
        f'<button class="button" id="{id_}">{escape(text)}</button></form>'
    )


def card(title: str, body: str, *, id_: str, note: str = "") -> str:
    """One thing that was received."""
    explained = f"<p>{escape(note)}</p>" if note else ""
    return f'<section class="card" id="{id_}"><h2>{escape(title)}</h2>{explained}{body}</section>'


def table(rows: Iterable[tuple[str, Any]]) -> str:
    """Names and values, structured ones as JSON; a name's second line is a remark."""
    cells = "".join(
        f'<tr><th scope="row">{heading(name)}</th><td>{value(name, content)}</td></tr>'
        for name, content in rows
    )
    return f"<table><tbody>{cells}</tbody></table>"


def heading(name: str) -> str:
    """The name of a row."""
    first, _, remark = name.partition("\n")
    return escape(first) + (f'<span class="remark">{escape(remark)}</span>' if remark else "")


def value(name: str, content: Any) -> str:
    """One value, as it was received; instants also in words."""
    if name in INSTANTS and isinstance(content, int):
        moment = datetime.fromtimestamp(content, UTC)
        return f'{content} <span class="moment">{moment:%Y-%m-%d %H:%M:%S} UTC</span>'
    if isinstance(content, str):
        return escape(content)
    if isinstance(content, list) and all(isinstance(item, str) for item in content):
        return "".join(f'<span class="item">{escape(item)}</span>' for item in content)
    return f"<pre>{escape(json.dumps(content, indent=2, ensure_ascii=False))}</pre>"


def raw(summary: str, text: str, *, id_: str) -> str:
    """The thing itself, folded away."""
    return (
        f"<details><summary>{escape(summary)}</summary>"
        f'<pre class="raw" id="{id_}" tabindex="0">{escape(text)}</pre></details>'
    )
