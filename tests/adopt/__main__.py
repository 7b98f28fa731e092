"""Adopt real applications from PyPI, and fill docs/adopted.md: make adopt, make adopt ONLY=mlflow.

Each application gets a virtual environment with its own pins, in the cache folder of the user, and
a copy of its files in a temporary one. It needs the network the first time.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from limbeck.postgres.embedded.server import Server
from tests.adopt import table
from tests.adopt.applications import APPLICATIONS, Application
from tests.adopt.ground import HERE, Ground, adopt_orphans, environment, files, versions
from tests.adopt.steps import Adoption, Result

ROOT = HERE.parents[1]
DOCUMENT, RESULTS = ROOT / "docs" / "adopted.md", HERE / "results.json"


def main() -> int:
    """Adopt the chosen applications; 1 if one has a fault."""
    parser = argparse.ArgumentParser(prog="make adopt", description=__doc__)
    names = [each.name for each in APPLICATIONS]
    parser.add_argument("only", nargs="*", choices=[*names, []], metavar="NAME")
    parser.add_argument("--keep", type=Path, help="a folder for the projects, which stays")
    options = parser.parse_args()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    new: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="limbeck-adopt-") as folder:
        base = options.keep or Path(folder)
        server = Server(Path(folder) / "server")
        server.start()
        adopt_orphans()
        try:
            for application in APPLICATIONS:
                if not options.only or application.name in options.only:
                    result = adopt(application, server, base, home / "limbeck-adopt")
                    report(result)
                    new[application.name] = result
                    table.write(DOCUMENT, RESULTS, new)
        finally:
            server.stop()
    return int(any(result["faults"] for result in new.values()))


def adopt(application: Application, server: Server, base: Path, cache: Path) -> dict[str, Any]:
    """Take an application through all steps.

    Args:
        application: which.
        server: of its databases and of the shadow.
        base: the folder of its project.
        cache: the folder of environments and downloads.

    """
    installed = environment(application, cache)
    folder = base / application.name
    root, log = folder / "project", folder / "calls.log"
    folder.mkdir(parents=True)
    files(application, cache, root)
    (root / ".venv").symlink_to(installed)
    log.touch()
    variables = {
        "SHADOW_DATABASE_URL": server.url(),
        "DATABASE_URL_DEVELOPMENT": server.url("development"),
        "DATABASE_URL_PRODUCTION": server.url("production"),
        "PYTHONPATH": str(HERE / "audit"),
        "LIMBECK_ADOPT_LOG": str(log),
    }
    ground = Ground(application, root, server, installed, log, variables)
    result = Adoption(ground, Result(application.name, application.version)).run()
    pins = versions(application)
    driver = application.driver
    names = ("alembic", "sqlalchemy", driver if driver in pins else f"{driver}-binary")
    return {
        **asdict(result),
        "versions": {name: pins[name] for name in names if name in pins},
        "without": application.without,
    }


def report(result: dict[str, Any]) -> None:
    """Print what was seen of an application."""
    sys.stdout.write(f"{result['name']} {result['version']}: {result['facts']}\n")
    sys.stdout.writelines(f"  FAULT {fault}\n" for fault in result["faults"])
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
