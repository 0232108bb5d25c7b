"""The WSGI entry of a serving process: the application, and the threads that work beside it.

What `dispatch` holds can be read once and shared by processes that are forked later; the threads
belong to the process that imports this.
"""

from __future__ import annotations

from django.conf import settings

from idp import audit, schedule
from idp.accounts.logout_channels import sender
from idp.dispatch import application

__all__ = ["application"]

audit.install_in_worker()
if settings.IDP.embedded_worker:
    schedule.start()
    sender.start()
