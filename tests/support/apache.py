"""Debian's Apache in the foreground as an application that somebody else wrote.

`openid()` makes it a relying party (mod_auth_openidc), `mellon()` a SAML service provider
(mod_auth_mellon). Behind the sign-in, `/protected/` prints the variables that the module set.
"""

from __future__ import annotations

import os
import re
import subprocess
from html import unescape
from pathlib import Path

from deploy.demo import environment
from tests.support import ports, programs

BASE = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/error.log
LogLevel warn {log_level}
{identity}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule include_module {modules}/mod_include.so
StartServers 1
TypesConfig /dev/null
AddType text/html .html
DocumentRoot {folder}/htdocs
DirectoryIndex index.html
<Directory {folder}/htdocs>
  Options +Includes
  SetOutputFilter INCLUDES
  Require all granted
</Directory>
{more}
"""
OPENID = """
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI {address}/protected/callback
OIDCCryptoPassphrase tests-only-passphrase
OIDCScope "{scope}"
OIDCPKCEMethod S256
OIDCProviderTokenEndpointAuth {method}
{extra}
<Location /protected>
  AuthType openid-connect
  Require valid-user
</Location>
"""
MELLON = """
LoadModule auth_mellon_module {modules}/mod_auth_mellon.so
LoadModule setenvif_module {modules}/mod_setenvif.so
# Without https, browsers refuse its test cookie, which says SameSite=None.
SetEnvIf Request_URI . MELLON_DISABLE_SAMESITE=1
<Location />
  MellonEnable info
  MellonEndpointPath /mellon
  MellonSPPrivateKeyFile {folder}/sp.key
  MellonSPCertFile {folder}/sp.crt
  MellonIdPMetadataFile {folder}/idp.xml
  MellonSecureCookie Off
  MellonUser NAME_ID
  {extra}
</Location>
<Location /protected>
  MellonEnable auth
  AuthType Mellon
  Require valid-user
</Location>
"""


class Apache:
    """One Apache on a free port; its folder must be open to the user that it runs as."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = ports.free()
        self.address = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o755)
        protected = folder / "htdocs" / "protected"
        protected.mkdir(parents=True)
        (folder / "htdocs" / "index.html").write_text("<h1>Open to all</h1>")
        (protected / "index.html").write_text("<pre><!--#printenv --></pre>")

    @property
    def redirect_uri(self) -> str:
        """What to register for `openid()`."""
        return f"{self.address}/protected/callback"

    @property
    def protected(self) -> str:
        """The address that asks to sign in."""
        return f"{self.address}/protected/"

    def openid(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        scope: str = "openid profile email groups",
        method: str = "client_secret_basic",
        extra: str = "",
    ) -> None:
        """Start as a relying party."""
        programs.MOD_AUTH_OPENIDC.path()
        more = OPENID.format(
            modules=programs.APACHE_MODULES,
            address=self.address,
            issuer=issuer,
            client_id=client_id,
            client_secret=client_secret,
            scope=scope,
            method=method,
            extra=extra,
        )
        self.start(more, log_level="auth_openidc:info")

    def mellon(self, *, idp_metadata: str, extra: str = "") -> None:
        """Start as a service provider with a key of its own; its metadata is at `/mellon/metadata`.

        `idp_metadata`: Gatehouse's metadata document.
        """
        programs.MOD_AUTH_MELLON.path()
        certificate, key = environment.self_signed("mellon.example")
        (self.folder / "sp.crt").write_text(certificate)
        (self.folder / "sp.key").write_text(key)
        (self.folder / "idp.xml").write_text(idp_metadata)
        more = MELLON.format(modules=programs.APACHE_MODULES, folder=self.folder, extra=extra)
        self.start(more, log_level="auth_mellon:info")

    def stop(self) -> None:
        """End it with its children."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    @property
    def log(self) -> str:
        """Its error log."""
        path = self.folder / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, more: str, *, log_level: str) -> None:
        """Start with more lines of configuration; the methods above know some."""
        identity = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        configuration = self.folder / "apache.conf"
        configuration.write_text(
            BASE.format(
                folder=self.folder,
                port=self.port,
                modules=programs.APACHE_MODULES,
                identity=identity,
                log_level=log_level,
                more=more,
            )
        )
        argv = [programs.APACHE.path(), "-f", configuration, "-DFOREGROUND"]
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        ports.wait(self.port, ended=self._ended)

    def _ended(self) -> str | None:
        if self.process is None or self.process.poll() is None:
            return None
        output = (self.folder / "output").read_text()
        return f"Apache ended with status {self.process.returncode}:\n{output}{self.log}"


def variables(page: str) -> dict[str, str]:
    """The variables that `/protected/` printed, from its HTML."""
    text = re.sub(r"<[^>]+>", "\n", page)
    rows = re.findall(r"^([A-Za-z0-9_.:-]+)=(.*)$", text, flags=re.MULTILINE)
    return {name: unescape(value) for name, value in rows}
