"""Logos of others: read once, told by their content, written anew."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from idp import logo
from tests.support import receiver
from tests.support.receiver import Receiver


def image(kind: str = "PNG", size: tuple[int, int] = (600, 300), **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "red").save(written, kind, **options)
    return written.getvalue()


def bomb() -> bytes:
    """A PNG that says it has 30,000 pixels a side."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


NO_IMAGES = [
    b"",
    b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    b"<html>",
    b"\x89PNG\r\n\x1a\n" + b"x" * 100,
    image()[:-200],
    bomb(),
    image("TIFF"),
    image("BMP"),
]


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    with Receiver() as running:
        allowed = (f"127.0.0.1:{running.port}",)
        settings.IDP = settings.IDP.model_copy(update={"outbound_allow": allowed})
        yield running


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_becomes_a_small_png(server: Receiver, kind: str) -> None:
    server.otherwise = receiver.ok(image(kind), content_type="text/html")
    data, media_type = logo.fetch(server.url("/logo.svg"))
    assert media_type == "image/png"
    assert Image.open(io.BytesIO(data)).size == (256, 128)


def test_nothing_but_pixels_is_kept() -> None:
    marked = image("JPEG", comment=b"secret comment") + b"<script>trailing</script>"
    assert b"secret comment" in marked
    assert not any(word in logo.rewritten(marked) for word in (b"secret", b"script"))


@pytest.mark.parametrize("data", NO_IMAGES)
def test_what_is_no_logo(server: Receiver, data: bytes) -> None:
    server.otherwise = receiver.ok(data, content_type="image/png")
    with pytest.raises(logo.NoLogo):
        logo.fetch(server.url())
    with pytest.raises(ValidationError):
        logo.rewritten(data)


@pytest.mark.parametrize(
    "behaviour",
    [
        receiver.ok(image(), status=404),
        receiver.big(),
        receiver.redirect("https://example.org/logo.png"),
        receiver.cut(),
    ],
)
def test_servers_that_do_not_answer_well(server: Receiver, behaviour: receiver.Behaviour) -> None:
    server.otherwise = behaviour
    with pytest.raises(logo.NoLogo) as caught:
        logo.fetch(server.url())
    assert str(caught.value)


def test_private_addresses() -> None:
    with pytest.raises(logo.NoLogo, match="private"):
        logo.fetch("https://10.0.0.1/logo.png")
