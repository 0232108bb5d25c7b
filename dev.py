#!/usr/bin/env python3
"""Gatehouse's commands for developers and operators; the standard library is all they need.

`python3 dev.py` prints the list. The first command that needs packages makes `.venv` from the
locked requirements; later ones see by a stamp that it is up to date.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    Argv = list[str | Path]

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUN = ROOT / "requirements" / "run.txt"
DEV = ROOT / "requirements" / "dev.txt"
ELSEWHERE = "not browser and not postgresql and not server"
INTERRUPTED = 130
QUICK = f"{ELSEWHERE} and not slow"

USAGE = """\
python3 dev.py demo        set up what is missing and run the whole demonstration
                             --port N (8000; the applications get N+1 and N+2), --data DIR,
                             --host A, --tls (https, with a throw-away authority in DIR/ca.pem)
python3 dev.py test        the tests that need neither a browser nor another server, in under
                             two minutes; arguments go to pytest (test -k dpop)
python3 dev.py test --all  all of them
python3 dev.py check       format, lint, import contracts, types, django check --deploy, migrations
python3 dev.py cover       branch coverage: the standards' rules near 100 %, the rest >= 90 %
python3 dev.py standards   the matrix standard -> section -> test -> state
python3 dev.py bench       the load harness of deploy/bench
python3 dev.py serve       production, everything from GATEHOUSE_... variables
                             --host A (127.0.0.1), --port N (8000), --workers N (one per core)
python3 dev.py manage      a management command on the demonstration's data
                             manage [--data DIR] COMMAND ...
python3 dev.py lock        lock the requirements anew (--upgrade: to the newest versions)
"""


def main(arguments: list[str]) -> int:
    """Run one command of COMMANDS."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    command = COMMANDS.get(arguments[0])
    if command is None:
        print(f"dev.py has no command {arguments[0]!r}. It has:\n\n{USAGE}", file=sys.stderr)
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python shall read this sentence
        fail(f"Gatehouse needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    os.chdir(ROOT)
    return command(arguments[1:])


def fail(message: str) -> NoReturn:
    """End with a message for a person."""
    print(message, file=sys.stderr)
    sys.exit(1)


# Commands


def demo(arguments: list[str]) -> int:
    """The whole demonstration (deploy/demo)."""
    prepare(RUN)
    replace([PYTHON, "-m", "deploy.demo", "run", *arguments])


def manage(arguments: list[str]) -> int:
    """A management command in the demonstration's environment."""
    prepare(RUN)
    replace([PYTHON, "-m", "deploy.demo", "manage", *arguments])


def serve(arguments: list[str]) -> int:
    """Production, from the environment."""
    prepare(RUN)
    replace([PYTHON, "-m", "deploy.serve", *arguments])


def bench(arguments: list[str]) -> int:
    """The load harness."""
    prepare(RUN)
    replace([PYTHON, "deploy/bench/run.py", *arguments])


def test(arguments: list[str]) -> int:
    """pytest, by default without the tests that need a browser or another server, or long."""
    prepare(DEV)
    if "--all" not in arguments:
        return pytest(["-m", QUICK, *arguments])
    missing = run([PYTHON, "-m", "tests.support.programs"])
    if missing:
        return missing
    return every_test([argument for argument in arguments if argument != "--all"])


def every_test(arguments: list[str]) -> int:
    """Two passes: everything on SQLite, then what touches the database on PostgreSQL."""
    states = []
    for database in ("sqlite", "postgresql"):
        print(f"\nTests on {database}", flush=True)
        os.environ["GATEHOUSE_TEST_DATABASE"] = database
        states.append(pytest(arguments))
        if states[-1] == INTERRUPTED:
            break
    none_selected = 5
    if set(states) == {none_selected}:
        return none_selected
    return max(0 if state == none_selected else state for state in states)


def cover(arguments: list[str]) -> int:
    """Branch coverage, measured by the tests that run in one process."""
    prepare(DEV)
    for stale in ROOT.glob(".coverage*"):
        stale.unlink()
    status = pytest(["-m", ELSEWHERE, "--cov", "--cov-report=", *arguments])
    rules = "idp/protocol/*,federation/saml/*"
    report: Argv = [PYTHON, "-m", "coverage", "report"]
    print("\nidp/protocol and federation/saml: at least 97 %")
    status |= run([*report, f"--include={rules}", "--fail-under=97"])
    print("\nthe rest: at least 90 %")
    return status | run([*report, f"--omit={rules}", "--fail-under=90"])


def standards(arguments: list[str]) -> int:
    """What the tests show of each standard."""
    prepare(DEV)
    selected = "standard" if "--all" in arguments else f"standard and {ELSEWHERE}"
    rest = [argument for argument in arguments if argument != "--all"]
    return pytest(["-q", "--standards", "-m", selected, *rest])


def check(arguments: list[str]) -> int:
    """Everything about the code that can be said without running it."""
    prepare(DEV)
    if arguments:
        fail("check takes no arguments.")
    failed = [name for name, argv in CHECKS.items() if not passes(name, argv)]
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
    return 1 if failed else 0


def lock(arguments: list[str]) -> int:
    """Lock the requirements with hashes, for every platform, without the index's address."""
    prepare(DEV)
    options = ["--universal", "--generate-hashes", "--no-header", "--no-emit-index-url"]
    options += ["--no-emit-find-links", "--python-version", "3.11", "--quiet", *arguments]
    compile_: Argv = [PYTHON, "-m", "uv", "pip", "compile", "pyproject.toml", *options]
    status = run([*compile_, "-o", RUN])
    status = status or run([*compile_, "--extra", "dev", "-c", RUN, "-o", DEV])
    for path in (RUN, DEV):
        if "://" in path.read_text():
            fail(f"{path.relative_to(ROOT)} holds an address; it must hold names and hashes alone.")
    return status


SAFE_ENVIRONMENT = {
    "GATEHOUSE_ISSUER": "https://gatehouse.example",
    "GATEHOUSE_SECRET_KEY": "only-for-django-check-deploy-0123456789-abcdefghijklmnop",
    "GATEHOUSE_MASTER_KEY": "b25seS1mb3ItZGphbmdvLWNoZWNrLWRlcGxveS0wMTI=",
    "GATEHOUSE_DATABASE_URL": "sqlite://",
}
CHECKS: dict[str, Argv] = {
    "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "lint": [PYTHON, "-m", "ruff", "check", "."],
    "import contracts": [VENV / "bin" / "lint-imports", "--no-logo"],
    "types": [PYTHON, "-m", "mypy"],
    "django check --deploy": [
        *(PYTHON, "-W", "error", "-W", "ignore:The FORMS_URLFIELD_ASSUME_HTTPS transitional"),
        *("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
    ],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
}


def passes(name: str, argv: Argv) -> bool:
    """Run one step of `check`; its output is shown when it fails."""
    begin = time.monotonic()
    environment = {**os.environ, **SAFE_ENVIRONMENT}
    done = subprocess.run(argv, env=environment, text=True, stdout=PIPE, stderr=STDOUT)
    state = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name:<24}{state:<8}{time.monotonic() - begin:5.1f} s", flush=True)
    if done.returncode != 0:
        print(done.stdout)
    return done.returncode == 0


def pytest(arguments: list[str]) -> int:
    """Run pytest on as many processes as there are cores, unless told otherwise."""
    alone = ("--pdb", "--trace", "-n", "--collect-only", "--co")
    # Files in the order of tests.support.selection, the longest first.
    spread = ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
    if any(argument.startswith(alone) for argument in arguments):
        spread = []
    # Hundreds of processes read the same code: compiled once, whatever this variable says.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return run([PYTHON, "-m", "pytest", *spread, *arguments])


def run(argv: Argv) -> int:
    """Run a program to its end and return its exit status."""
    try:
        return subprocess.run(argv).returncode
    except KeyboardInterrupt:
        return INTERRUPTED


def replace(argv: Argv) -> NoReturn:
    """Become another program, so that signals reach it directly."""
    sys.stdout.flush()
    os.execv(argv[0], [str(argument) for argument in argv])


# The environment


def prepare(requirements: Path) -> None:
    """Make `.venv` hold the locked requirements; two callers at once wait for each other."""
    if is_current(requirements):
        return
    with open(requirements) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not is_current(requirements):
            packages = site_packages() or create()
            for stamp in packages.glob("gatehouse-*.sha256"):
                stamp.unlink()
            install(requirements)
            stamp = packages / f"gatehouse-{requirements.stem}.sha256"
            stamp.write_text(digest(requirements))


def is_current(requirements: Path) -> bool:
    """Whether a stamp beside the packages says that they are installed; `dev` includes `run`."""
    packages = site_packages()
    if packages is None:
        return False
    for enough in {requirements, DEV}:
        stamp = packages / f"gatehouse-{enough.stem}.sha256"
        if stamp.is_file() and stamp.read_text() == digest(enough):
            return True
    return False


def digest(requirements: Path) -> str:
    """What the stamp holds."""
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def site_packages() -> Path | None:
    """Where `.venv` keeps packages for the Python it has, or None if it does not work."""
    if not PYTHON.exists():
        return None
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    answer = subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True)
    path = Path(answer.stdout.strip())
    return path if answer.returncode == 0 and (path / "pip").is_dir() else None


def create() -> Path:
    """Create `.venv` with this Python and return where it keeps packages."""
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            fail(
                f"This Python lacks its module {module}.\n"
                "On Debian and Ubuntu: apt-get install python3-venv"
            )
    print(f"Creating .venv with Python {sys.version.split()[0]} ...", flush=True)
    if run([sys.executable, "-m", "venv", "--clear", VENV]):
        fail("The virtual environment could not be created; the lines above say why.")
    return site_packages() or fail(f"{PYTHON} does not work.")


def install(requirements: Path) -> None:
    """Install the locked packages, every file checked against its hash.

    The lock is complete. Left to look for dependencies itself, pip would prefer a release newer
    than the lock wherever one package asks for another with extras, and then refuse it.
    """
    total = requirements.read_text().count("==")
    print(f"Installing {total} packages into .venv ...", flush=True)
    options = [
        "--no-deps",
        "--require-hashes",
        "--progress-bar",
        "off",
        "--disable-pip-version-check",
    ]
    argv: Argv = [PYTHON, "-m", "pip", "install", *options, "-r", requirements]
    lines = []
    seen = 0
    with subprocess.Popen(argv, text=True, stdout=PIPE, stderr=STDOUT) as process:
        for line in process.stdout or ():
            lines.append(line)
            found = re.match(r"Collecting ([A-Za-z0-9._-]+)", line)
            if found:
                seen += 1
                report(f"{seen}/{total} {found[1]}", now=seen % 20 == 0)
    if process.returncode != 0:
        print("".join(lines[-15:]), file=sys.stderr)
        fail(
            "The packages could not be installed; the lines above are pip's.\n"
            "Does pip reach its package index? Run the command again when it does."
        )
    report("done", now=True)


def report(text: str, *, now: bool) -> None:
    """Show progress: on a terminal in one line, elsewhere only `now` and then."""
    if sys.stdout.isatty():
        print(f"\r  {text:<60}", end="\n" if text == "done" else "", flush=True)
    elif now:
        print(f"  {text}", flush=True)


COMMANDS = {
    "demo": demo,
    "test": test,
    "check": check,
    "serve": serve,
    "manage": manage,
    "cover": cover,
    "standards": standards,
    "bench": bench,
    "lock": lock,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
