"""Structured logs: one JSON object a line, control characters escaped, nothing secret.

Messages are event names, facts are members. `mask` drops whatever is named like a secret,
should one ever be passed by mistake; a request is logged without its query.
"""

from __future__ import annotations

import logging
import logging.config
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

SECRET_WORDS = (
    "password",
    "secret",
    "token",
    "code",
    "assertion",
    "cookie",
    "authorization",
    "verifier",
    "samlresponse",
    "samlrequest",
)
HARMLESS = {"status_code", "token_type", "error_code"}


def mask(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every member whose name speaks of a secret."""
    for key in event:
        name = key.lower()
        if name not in HARMLESS and any(word in name for word in SECRET_WORDS):
            event[key] = "[masked]"
    return event


def without_query(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Name Django's request by its method and path: anything may stand in its query."""
    path = getattr(event.get("request"), "path", None)
    if path is not None:
        event["request"] = f"{event['request'].method} {path[:200]}"
    return event


PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.ExtraAdder(),
    without_query,
    mask,
]


def configure(configuration: dict[str, Any]) -> None:
    """Django's `LOGGING_CONFIG`: everything to standard error as JSON."""
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": PROCESSORS,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": configuration.get("level", "INFO")},
            "loggers": {
                "django.request": {"level": "ERROR"},
                "django.security.DisallowedHost": {"level": "CRITICAL"},
                # Jobs that ran as every five minutes say nothing; one that fails does.
                "django_tasks": {"level": "WARNING"},
                "django_tasks_db": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[*PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
