"""Create the tables of freshly written models: run as a program, so that nothing stays imported.

Reads JSON from standard input: url, package (dotted), metadata (dotted, in the package), folder
(where it lies), root (of the repository, or null).
Writes nothing; a failure is the last line on standard error.
"""

from __future__ import annotations

import importlib
import json
import sys
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlalchemy.orm import configure_mappers

from limbeck.database import Database, as_sqlalchemy, connect


def main() -> None:
    """Import the models, configure the mappers, create everything."""
    given = json.load(sys.stdin)
    try:
        models = _import(given["package"], given["folder"], given["root"])
        _create(attrgetter(given["metadata"])(models), given["url"])
    except Exception as error:  # noqa: BLE001 - models may raise anything
        text = " ".join(str(error).split("[SQL")[0].split())
        sys.exit(f"{type(error).__name__}: {text}")


def _import(package: str, folder: str, root: str | None) -> Any:
    sys.path[:0] = [folder, *([root] if root else [])]
    parent, place = "", Path(folder)
    for name in package.split(".")[:-1]:
        # The rest of the application comes from the repository, the models from the folder.
        parent = f"{parent}.{name}" if parent else name
        place /= name
        module = importlib.import_module(parent)
        module.__path__ = [str(place), *module.__path__]
    return importlib.import_module(package)


def _create(metadata: Any, url: str) -> None:
    configure_mappers()
    scratch = Database("scratch", url)
    with connect(scratch) as connection, as_sqlalchemy(connection) as target, target.begin():
        target.exec_driver_sql("SET LOCAL synchronous_commit = off")
        metadata.create_all(target)


if __name__ == "__main__":
    main()
