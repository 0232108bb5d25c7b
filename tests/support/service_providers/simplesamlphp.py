"""Debian's SimpleSAMLphp as a service provider, on PHP's own server.

Configuration, keys, sessions and log are in the test's folder. A page of ours stands for the
application: it asks the library to sign in and shows what it knows as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from deploy.demo import environment
from tests.support import ports, programs
from tests.support.server import Gatehouse
from tests.support.service_providers.base import Known, ServiceProvider

CONFIGURATION = """<?php
$config = [
    'baseurlpath' => '{address}/',
    'certdir' => '{folder}/',
    'loggingdir' => '{folder}/',
    'datadir' => '{folder}/',
    'tempdir' => '{folder}/tmp',
    'timezone' => 'UTC',
    'secretsalt' => 'tests-only-salt',
    'auth.adminpassword' => 'tests-only-password',
    'technicalcontact_email' => 'nobody@example.org',
    'admin.checkforupdates' => false,
    'debug' => ['saml' => true, 'backtraces' => true, 'validatexml' => true],
    'showerrors' => true,
    'errorreporting' => false,
    'logging.level' => SimpleSAML\\Logger::INFO,
    'logging.handler' => 'file',
    'logging.logfile' => 'simplesamlphp.log',
    'enable.saml20-idp' => false,
    'session.cookie.name' => 'SimpleSAMLSessionID{port}',
    'session.phpsession.cookiename' => 'SimpleSAML{port}',
    'session.phpsession.savepath' => '{folder}/sessions',
    'session.authtoken.cookiename' => 'SimpleSAMLAuthToken{port}',
    'session.cookie.secure' => false,
    'language.cookie.secure' => false,
    'language.default' => 'en',
    'theme.use' => 'default',
    'metadata.sources' => [['type' => 'xml', 'url' => '{idp_metadata}']],
    'store.type' => 'phpsession',
    'authproc.sp' => [50 => ['class' => 'core:AttributeMap', 'oid2name']],
    'attributenamemapdir' => '/usr/share/simplesamlphp/config/attributemap/',
];
"""
SOURCES = """<?php
$config = [
    'default-sp' => [
        'saml:SP',
        'entityID' => null,
        'idp' => '{idp}',
        'privatekey' => 'sp.key',
        'certificate' => 'sp.crt',
        'sign.authnrequest' => true,
        'sign.logout' => true,
        'redirect.validate' => true,
        'assertion.encryption' => true,
        'WantAssertionsSigned' => true,
        'NameIDPolicy' => [
            'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
            'AllowCreate' => true,
        ],
    ],
];
"""
# PHP's server takes addresses such as /module.php/saml/sp/metadata.php/x for files.
ROUTER = """<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/protected/') {
    require '/usr/share/simplesamlphp/lib/_autoload.php';
    $source = new SimpleSAML\\Auth\\Simple('default-sp');
    $here = '{address}/protected/';
    if (isset($_GET['logout'])) {
        $source->logout('{address}/signed-out/');
    }
    if (isset($_GET['force']) || isset($_GET['passive'])) {
        $source->login([
            'ForceAuthn' => isset($_GET['force']),
            'isPassive' => isset($_GET['passive']),
            'ReturnTo' => $here,
        ]);
    }
    $source->requireAuth(['ReturnTo' => $here]);
    header('Content-Type: application/json');
    echo json_encode([
        'name_id' => $source->getAuthData('saml:sp:NameID')->getValue(),
        'attributes' => $source->getAttributes(),
    ]);
    return;
}
if ($path === '/signed-out/') {
    echo '<p>Signed out.</p>';
    return;
}
if (str_starts_with($path, '/module.php/')) {
    $_SERVER['SCRIPT_NAME'] = '/module.php';
    $_SERVER['PATH_INFO'] = substr($path, strlen('/module.php'));
    require '/usr/share/simplesamlphp/www/module.php';
    return;
}
return false;
"""


class SimpleSAMLphp(ServiceProvider):
    """One SimpleSAMLphp."""

    farewell = "Signed out"

    def __init__(self, folder: Path, gatehouse: Gatehouse) -> None:
        super().__init__(folder, gatehouse)
        self.port = ports.free()
        self.address = f"http://localhost:{self.port}"
        self.metadata_url = f"{self.address}/module.php/saml/sp/metadata.php/default-sp"
        self.protected = f"{self.address}/protected/"
        self.signs_out = f"{self.protected}?logout"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for extension in (programs.PHP_XML, programs.PHP_MBSTRING):
            extension.path()
        php, www = programs.PHP.path(), programs.SIMPLESAMLPHP.path()
        certificate, key = environment.self_signed("simplesamlphp.example")
        known = {
            "address": self.address,
            "port": str(self.port),
            "folder": str(self.folder),
            "idp": self.gatehouse.url("/saml/metadata"),
            "idp_metadata": self.gatehouse.url("/saml/metadata"),
        }
        files = {
            "sp.crt": certificate,
            "sp.key": key,
            "config.php": filled(CONFIGURATION, known),
            "authsources.php": filled(SOURCES, known),
            "router.php": filled(ROUTER, known),
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)
        (self.folder / "sessions").mkdir()
        argv = [php, "-S", f"127.0.0.1:{self.port}", "-t", www, self.folder / "router.php"]
        with (self.folder / "php.log").open("wb") as output:
            self.process = subprocess.Popen(
                argv,
                env={**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        ports.wait(self.port, ended=self._ended)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def asking(self, *, force: bool = False, passive: bool = False) -> str:
        wishes = {"force": force, "passive": passive}
        query = urlencode({name: "1" for name, wanted in wishes.items() if wanted})
        return f"{self.protected}?{query}"

    def known(self, page: str) -> Known:
        return Known(**json.loads(page))

    @property
    def log(self) -> str:
        files = [self.folder / "php.log", self.folder / "simplesamlphp.log"]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def _ended(self) -> str | None:
        if self.process is None or self.process.poll() is None:
            return None
        return f"PHP ended with status {self.process.returncode}:\n{self.log}"


def filled(text: str, values: dict[str, str]) -> str:
    """A PHP text with its blanks filled in; its own braces stay."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
