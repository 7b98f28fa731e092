"""The generated part of docs/adopted.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- make adopt: begin -->", "<!-- make adopt: end -->"
HEAD = (
    "application",
    "versions",
    "revisions",
    "models",
    "env.py",
    "differences",
    "accepted",
    "migrate",
    "alembic",
    "ratio",
    "processor",
    "lint",
)


def write(document: Path, results: Path, new: Mapping[str, Mapping[str, Any]]) -> None:
    """Write results into the file of all results, and the table of all into the document.

    Raises:
        ValueError: the document has no markers.

    """
    known = json.loads(results.read_text("utf-8")) if results.exists() else {}
    known.update(new)
    results.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", "utf-8")
    before, begin, rest = document.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{document} has no markers for the table")
    table = "\n".join(lines(known))
    document.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", "utf-8")


def lines(results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of the table, and below it what is not as it should be."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|" + "---|" * len(HEAD)
    for name, result in results.items():
        yield f"| {' | '.join(map(str, cells(name, result)))} |"
    yield ""
    for name, result in results.items():
        if result["without"]:
            yield f"- {name} without {result['without']}."
        if left := result["facts"].get("not supported"):
            yield f"- {name}: `limbeck init` says that it does not support {left}."
        yield from (f"- {name}: {_short(fault)}" for fault in result["faults"])


def cells(name: str, result: Mapping[str, Any]) -> Iterator[object]:
    """Yield the cells of an application."""
    facts = result["facts"]
    yield f"{name} {result['version']}"
    yield ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    yield facts.get("revisions", "")
    yield facts.get("models", "").partition(" from ")[0]
    yield "filters honoured" if "filters of env.py honoured" in facts.get("models", "") else ""
    yield facts.get("differences", "")
    yield facts.get("accepted", "")
    for key in ("limbeck", "alembic"):
        yield f"{facts[key]} s" if key in facts else ""
    yield facts.get("ratio", "")
    yield facts.get("processor_ratio", "")
    yield f"{facts['lint']} s" if "lint" in facts else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else f"{line[:160]} …"
