"""How a Response gets to the service provider: in a form, or as an artifact in its address.

Never by Redirect: a Response is too long for that, and would stand in histories and logs (SAML
Profiles §4.1.2).
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlencode

from federation.identity_provider import artifacts, pages
from federation.identity_provider.request import ReplyTo
from federation.models import ServiceProvider
from federation.saml import bindings, vocabulary
from idp.models import Session
from idp.protocol.message import Response, redirect

ARTIFACT = "SAMLart"
# What every server takes for an address; a longer RelayState goes into a form.
LONGEST_ADDRESS = 2_000


def send(
    message: bytes,
    reply_to: ReplyTo,
    service_provider: ServiceProvider,
    *,
    session: Session | None,
    now: datetime,
) -> Response:
    """Send a signed Response through the browser, by the binding of its address.

    `session`: that of the person it speaks of, None for an error.
    """
    application = service_provider.application
    if reply_to.binding != vocabulary.ARTIFACT:
        form = bindings.post_form(
            message, action=reply_to.acs_url, relay_state=reply_to.relay_state
        )
        return pages.form_post(form, application=application)
    handed = artifacts.issue(message, service_provider=service_provider, session=session, now=now)
    fields = [(ARTIFACT, handed)]
    if reply_to.relay_state is not None:
        fields.append(("RelayState", reply_to.relay_state))
    separator = "&" if "?" in reply_to.acs_url else "?"
    address = f"{reply_to.acs_url}{separator}{urlencode(fields, quote_via=quote, safe='')}"
    if len(address) <= LONGEST_ADDRESS:
        return redirect(address)
    form = bindings.PostForm(action=reply_to.acs_url, fields=tuple(fields))
    return pages.form_post(form, application=application)
