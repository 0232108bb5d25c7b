"""SAML in the administration: the wizard's card, the service provider's half, preview, expiries.

Everything is added to `idp.admin` through its registries; no page of its own frame is built here.
"""

from federation.admin import (  # noqa: F401 (each module registers what it brings)
    assertion_preview,
    connect_by_address,
    connect_saas,
    connect_saml,
    decided_metadata,
    expiries,
    followed_metadata,
    metadata_sources,
    roll_over,
    roll_over_reminders,
    roll_over_steps,
)
