"""The programs that some tests need, and the Debian packages that bring them.

`python -m tests.support.programs` names what is missing and ends with status 1.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

APACHE_MODULES = Path("/usr/lib/apache2/modules")


class MissingProgram(Exception):
    """A test cannot run without it; the message names the package."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program and where it may be."""

    name: str
    package: str
    places: tuple[str, ...]

    def find(self) -> Path | None:
        """The first place where it is."""
        for place in self.places:
            if "/" not in place:
                found = shutil.which(place)
                if found:
                    return Path(found)
            for path in sorted(Path("/").glob(place.lstrip("/")), reverse=True):
                return path
        return None

    def path(self) -> Path:
        """Where it is; raises MissingProgram."""
        found = self.find()
        if found is None:
            raise MissingProgram(f"{self.name} is missing: apt-get install {self.package}")
        return found


CHROMIUM = Program("Chromium", "chromium", ("/usr/bin/chromium", "chromium", "google-chrome"))
INITDB = Program("PostgreSQL", "postgresql", ("/usr/lib/postgresql/*/bin/initdb", "initdb"))
APACHE = Program("Apache", "apache2", ("/usr/sbin/apache2",))
MOD_AUTH_OPENIDC = Program(
    "mod_auth_openidc",
    "libapache2-mod-auth-openidc",
    (str(APACHE_MODULES / "mod_auth_openidc.so"),),
)
MOD_AUTH_MELLON = Program(
    "mod_auth_mellon",
    "libapache2-mod-auth-mellon",
    (str(APACHE_MODULES / "mod_auth_mellon.so"),),
)
MOD_SHIB = Program("mod_shib", "libapache2-mod-shib", (str(APACHE_MODULES / "mod_shib.so"),))
SHIBD = Program("shibd", "shibboleth-sp-utils", ("/usr/sbin/shibd",))
PHP = Program("PHP", "php-cli", ("/usr/bin/php",))
PHP_XML = Program("PHP's DOM", "php-xml", ("/usr/lib/php/*/dom.so",))
PHP_MBSTRING = Program("PHP's mbstring", "php-mbstring", ("/usr/lib/php/*/mbstring.so",))
SIMPLESAMLPHP = Program("SimpleSAMLphp", "simplesamlphp", ("/usr/share/simplesamlphp/www",))
XMLSEC1 = Program("xmlsec1", "xmlsec1", ("/usr/bin/xmlsec1", "xmlsec1"))
ALL = (
    CHROMIUM,
    INITDB,
    APACHE,
    MOD_AUTH_OPENIDC,
    MOD_AUTH_MELLON,
    MOD_SHIB,
    SHIBD,
    PHP,
    PHP_XML,
    PHP_MBSTRING,
    SIMPLESAMLPHP,
    XMLSEC1,
)


def main() -> int:
    """Say what is missing."""
    missing = [program for program in ALL if program.find() is None]
    for program in missing:
        print(f"{program.name} is missing.", file=sys.stderr)
    if missing:
        packages = " ".join(program.package for program in missing)
        print(f"On Debian: apt-get install {packages}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
