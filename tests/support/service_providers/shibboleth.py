"""Debian's Shibboleth service provider: Apache with mod_shib, and shibd behind it.

Both read one configuration and meet at a socket, all in the test's own folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode

from deploy.demo import environment
from tests.support import ports, programs
from tests.support.apache import Apache, variables
from tests.support.server import Gatehouse
from tests.support.service_providers.base import Known, ServiceProvider

CONFIGURATION = """<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="180">
  <OutOfProcess logger="{folder}/shibd.logger"/>
  <InProcess logger="{folder}/native.logger"/>
  <UnixListener address="{folder}/shibd.sock"/>
  <ApplicationDefaults entityID="{address}/shibboleth" signing="true" encryption="false"
      requireTransportAuth="false" requireConfidentiality="false">
    <Sessions lifetime="28800" timeout="3600" relayState="ss:mem" checkAddress="false"
        handlerSSL="false" cookieProps="http" redirectLimit="none">
      <SSO entityID="{idp}">SAML2</SSO>
      <Logout asynchronous="false">SAML2 Local</Logout>
      <!-- As it does unless told otherwise: it says that it expects no answer. -->
      <LogoutInitiator type="SAML2" Location="/Leave" asynchronous="true"/>
      <Handler type="MetadataGenerator" Location="/Metadata" signing="false"/>
      <Handler type="Session" Location="/Session" showAttributeValues="true"/>
    </Sessions>
    <Errors supportContact="nobody@example.org"/>
    <MetadataProvider type="XML" validate="true" url="{idp_metadata}"
        backingFilePath="{folder}/idp.xml"/>
    <AttributeExtractor type="XML" validate="true" path="{folder}/attribute-map.xml"/>
    <CredentialResolver type="File" key="{folder}/sp.key" certificate="{folder}/sp.crt"/>
  </ApplicationDefaults>
  <SecurityPolicyProvider type="XML" validate="true" path="security-policy.xml"/>
  <ProtocolProvider type="XML" validate="true" path="protocols.xml"/>
</SPConfig>
"""
ATTRIBUTES = {
    "mail": "urn:oid:0.9.2342.19200300.100.1.3",
    "sn": "urn:oid:2.5.4.4",
    "isMemberOf": "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
}
ATTRIBUTE_MAP = """<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
{attributes}
  <Attribute name="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" id="persistent-id">
    <AttributeDecoder xsi:type="NameIDAttributeDecoder" formatter="$Name" defaultQualifiers="true"/>
  </Attribute>
</Attributes>
"""
LOGGER = """log4j.rootCategory=INFO, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.fileName={file}
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%p %c %x: %m%n
"""
MODULE = """
LoadModule mod_shib {modules}/mod_shib.so
ShibConfig {folder}/shibboleth2.xml
<Location /Shibboleth.sso>
  AuthType None
  Require all granted
</Location>
<Location /protected>
  AuthType shibboleth
  ShibRequestSetting requireSession true
  Require shib-session
</Location>
"""


class Shibboleth(ServiceProvider):
    """One Apache and one shibd."""

    farewell = "completed successfully"

    def __init__(self, folder: Path, gatehouse: Gatehouse) -> None:
        super().__init__(folder, gatehouse)
        self.apache = Apache(folder)
        self.daemon: subprocess.Popen[bytes] | None = None
        handler = f"{self.apache.address}/Shibboleth.sso"
        self.metadata_url = f"{handler}/Metadata"
        self.protected = self.apache.protected
        self.signs_out = f"{handler}/Logout"
        self.leaves = f"{handler}/Leave"

    def start(self) -> None:
        programs.MOD_SHIB.path()
        certificate, key = environment.self_signed("shibboleth.example")
        lines = [f'  <Attribute name="{name}" id="{id_}"/>' for id_, name in ATTRIBUTES.items()]
        files = {
            "sp.crt": certificate,
            "sp.key": key,
            "attribute-map.xml": ATTRIBUTE_MAP.format(attributes="\n".join(lines)),
            "shibd.logger": LOGGER.format(file=self.folder / "shibd.log"),
            "native.logger": LOGGER.format(file="/dev/null"),
            "shibboleth2.xml": CONFIGURATION.format(
                folder=self.folder,
                address=self.apache.address,
                idp=self.gatehouse.url("/saml/metadata"),
                idp_metadata=self.gatehouse.url("/saml/metadata"),
            ),
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)
        self._start_daemon()
        module = MODULE.format(modules=programs.APACHE_MODULES, folder=self.folder)
        self.apache.start(module, log_level="mod_shib:info")

    def stop(self) -> None:
        self.apache.stop()
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.wait(60)
            self.daemon = None

    def asking(self, *, force: bool = False, passive: bool = False) -> str:
        wishes = {"forceAuthn": force, "isPassive": passive}
        query = {name: "true" for name, wanted in wishes.items() if wanted}
        query["target"] = self.protected
        return f"{self.apache.address}/Shibboleth.sso/Login?{urlencode(query)}"

    def asking_by_artifact(self) -> str:
        """Where it asks for an answer that it fetches itself."""
        return f"{self.asking()}&acsIndex=3"

    def known(self, page: str) -> Known:
        shown = variables(page)
        # Values are joined by semicolons.
        attributes = {
            name: re.split(r"(?<!\\);", shown[name]) for name in ATTRIBUTES if name in shown
        }
        return Known(shown["persistent-id"], attributes)

    @property
    def log(self) -> str:
        path = self.folder / "shibd.log"
        return (path.read_text(errors="replace") if path.exists() else "") + self.apache.log

    def _start_daemon(self) -> None:
        argv = [programs.SHIBD.path(), "-F", "-f", "-c", self.folder / "shibboleth2.xml"]
        argv += ["-p", self.folder / "shibd.pid"]
        with (self.folder / "shibd.output").open("wb") as output:
            self.daemon = subprocess.Popen(
                argv,
                env={**os.environ, "SHIBSP_CACHEDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        limit = time.monotonic() + ports.SECONDS
        while not (self.folder / "shibd.sock").exists():
            if self.daemon.poll() is not None or time.monotonic() > limit:
                said = (self.folder / "shibd.output").read_text()
                raise RuntimeError(f"shibd does not listen:\n{said}{self.log}")
            time.sleep(0.02)
