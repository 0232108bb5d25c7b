"""The administration: stock model pages under our theme, and the pages of tasks.

Owns what administrators see and type. Does not own what happens: registration, people, keys and
claims are functions of the packages below, the same for commands and the API to come.
Every change goes into the audit trail; nothing secret is shown, searched or written there.
`federation.admin` adds SAML through the registries in `kinds`, `expiry` and `preview`.
"""

from idp.admin import (  # noqa: F401 (each module registers what it brings)
    applications,
    audit_events,
    connect,
    connect_clients,
    dynamic_registration,
    find,
    groups,
    home,
    logout_notices,
    people,
    preview_pages,
    preview_tokens,
    resources,
    sessions,
    sign_ins,
    signing_keys,
)
