"""Reading a form whose pasted text may be too large, without losing its other fields.

Django gives up a form at `DATA_UPLOAD_MAX_MEMORY_SIZE` and forgets all of it. What stood before the
large field is kept here, so that the page can come back as it was, with the error at the field.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser

MOST_DRAINED = 16 * 1024 * 1024
CHUNK = 64 * 1024


def read_form(request: HttpRequest, *, limit_field: str) -> QueryDict | None:
    """Read the form; None if it could be read, else the fields before `limit_field`.

    A browser that is still sending is heard out, up to 16 MB, or it would not hear the answer.
    """
    kept: list[MultiPartParser] = []

    def parse(environ: Any, stream: Any) -> Any:
        parser = MultiPartParser(environ, stream, request.upload_handlers, request.encoding)
        kept.append(parser)
        return parser.parse()

    setattr(request, "parse_file_upload", parse)  # noqa: B010 (for this request alone)
    try:
        request.POST  # noqa: B018 (this is what reads)
    except RequestDataTooBig:
        _drain(request)
        return _fields(kept, without=limit_field)
    return None


def _fields(parsers: list[MultiPartParser], *, without: str) -> QueryDict:
    fields = QueryDict(mutable=True)
    for parser in parsers:
        read = getattr(parser, "_post", None)
        if isinstance(read, QueryDict):
            for name, values in read.lists():
                fields.setlist(name, values)
    fields.pop(without, None)
    return fields


def _drain(request: HttpRequest) -> None:
    left = MOST_DRAINED
    while left > 0 and (chunk := request.read(CHUNK)):
        left -= len(chunk)
