"""Debian's Apache with mod_auth_mellon as a service provider."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import requests

from tests.support.apache import Apache, variables
from tests.support.person import TIMEOUT
from tests.support.server import Gatehouse
from tests.support.service_providers.base import Known, ServiceProvider

ATTRIBUTES = {
    "mail": "urn:oid:0.9.2342.19200300.100.1.3",
    "sn": "urn:oid:2.5.4.4",
    "isMemberOf": "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
}


class Mellon(ServiceProvider):
    """One Apache."""

    farewell = "Open to all"
    can_force = False

    def __init__(self, folder: Path, gatehouse: Gatehouse) -> None:
        super().__init__(folder, gatehouse)
        self.apache = Apache(folder)
        self.metadata_url = f"{self.apache.address}/mellon/metadata"
        self.protected = self.apache.protected
        back = urlencode({"ReturnTo": f"{self.apache.address}/"})
        self.signs_out = f"{self.apache.address}/mellon/logout?{back}"

    def start(self) -> None:
        metadata = requests.get(self.gatehouse.url("/saml/metadata"), timeout=TIMEOUT).text
        short = [f'MellonSetEnvNoPrefix "{name}" "{oid}"' for name, oid in ATTRIBUTES.items()]
        self.apache.mellon(idp_metadata=metadata, extra="\n  ".join(short))

    def stop(self) -> None:
        self.apache.stop()

    def asking(self, *, force: bool = False, passive: bool = False) -> str:
        query = {"ReturnTo": self.protected}
        if passive:
            query["IsPassive"] = "true"
        return f"{self.apache.address}/mellon/login?{urlencode(query)}"

    def known(self, page: str) -> Known:
        shown = variables(page)
        attributes = {
            name: [value for key, value in shown.items() if re.fullmatch(rf"{name}(_\d+)?", key)]
            for name in ATTRIBUTES
        }
        # The first value comes a second time, with a number.
        return Known(
            shown["MELLON_NAME_ID"],
            {name: list(dict.fromkeys(values)) for name, values in attributes.items() if values},
        )

    @property
    def log(self) -> str:
        return self.apache.log
