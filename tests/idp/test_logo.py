"""Logos of others: read once, told by their content, written anew."""

from __future__ import annotations

import io
import secrets
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from PIL import Image, ImageFile

from idp import logo
from tests.support import receiver
from tests.support.receiver import Receiver


def image(kind: str = "PNG", size: tuple[int, int] = (600, 300), **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "red").save(written, kind, **options)
    return written.getvalue()


def bomb(side: int = 30_000) -> bytes:
    """A PNG that says it has so many pixels a side."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
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


def test_an_image_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: a quarter turn
    upright = Image.open(io.BytesIO(logo.rewritten(image("JPEG", exif=exif))))
    assert upright.size == (128, 256)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_of_pixels(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    written = io.BytesIO()
    Image.new(mode, (600, 300)).save(written, kind)
    kept = Image.open(io.BytesIO(logo.rewritten(written.getvalue())))
    assert (kept.mode, kept.size) == ("RGBA", (256, 128))


def test_a_transparent_logo_of_few_colours_stays_transparent() -> None:
    image = Image.new("P", (600, 300), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    written = io.BytesIO()
    image.save(written, "GIF", transparency=1)
    kept = Image.open(io.BytesIO(logo.rewritten(written.getvalue())))
    assert kept.getpixel((5, 5))[3] == 0


def test_too_many_pixels_are_refused_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    with pytest.raises(ValidationError, match="too many pixels"):
        logo.rewritten(bomb(5_000))


def test_fewer_pixels_may_come_from_strangers(server: Receiver) -> None:
    large = image(size=(2049, 2048))
    assert logo.rewritten(large)
    server.otherwise = receiver.ok(large)
    with pytest.raises(logo.NoLogo, match="too many pixels"):
        logo.fetch(server.url())


def test_what_stays_too_large_is_refused() -> None:
    noise = Image.frombytes("RGBA", (256, 256), secrets.token_bytes(256 * 256 * 4))
    written = io.BytesIO()
    noise.save(written, "PNG")
    with pytest.raises(ValidationError, match="100 kB"):
        logo.rewritten(written.getvalue())


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
