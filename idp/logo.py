"""Logos: whatever somebody uploads or points at becomes a small PNG of ours, or nothing.

An image is told by its content, bounded before anything is decoded, and written anew, so that
nothing but pixels is kept. A client's `logo_uri` is read once and never shown from elsewhere:
whoever opens a page of ours is not reported to others.
"""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError

from idp import outbound
from idp.models.application import validate_logo

SIDE = 256
MOST_PIXELS = 4096 * 4096
# Strangers may choose these, many at once; each pixel takes four bytes, twice.
MOST_FETCHED_PIXELS = 2048 * 2048
LARGEST_DOWNLOAD = 1024 * 1024
TIMEOUT = timedelta(seconds=5)
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
# Shrunk as they are, these would take one pixel in many instead of the mean.
PALETTES = ("1", "P", "PA")


class NoLogo(ValueError):
    """There is no image to keep; the message is for administrators."""


def fetch(url: str) -> tuple[bytes, str]:
    """Return the image at a client's logo_uri, written anew, and its media type. Raises NoLogo."""
    try:
        answer = outbound.get(url, accept="image/*", limit=LARGEST_DOWNLOAD, timeout=TIMEOUT)
    except outbound.OutboundError as error:
        raise NoLogo(str(error)) from None
    if answer.status != 200:
        raise NoLogo(f"it answers with status {answer.status}")
    try:
        data = rewritten(answer.body, most_pixels=MOST_FETCHED_PIXELS)
    except ValidationError as error:
        raise NoLogo(error.message) from None
    return data, validate_logo(data)


def rewritten(data: bytes, *, most_pixels: int = MOST_PIXELS) -> bytes:
    """The image as PNG of at most 256 pixels a side, without metadata. Raises ValidationError."""
    from PIL import Image, ImageOps

    validate_logo(data[:1000])  # what is none of the kinds is refused by its first bytes
    try:
        image: Any = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > most_pixels:  # told before anything is decoded
            raise ValidationError("The image has too many pixels.")
        if image.mode in PALETTES:
            image = image.convert("RGBA")
        image.thumbnail((SIDE, SIDE))  # first, so that nothing large is copied
        image = ImageOps.exif_transpose(image).convert("RGBA")
        written = io.BytesIO()
        image.save(written, "PNG", optimize=True)
    except ValidationError:
        raise
    except Exception as error:  # decoders of images raise whatever they like
        raise ValidationError("The image cannot be read.") from error
    validate_logo(written.getvalue())
    return written.getvalue()
