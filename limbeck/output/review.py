"""Hazards where a reviewer sees them: GitHub's annotations, and SARIF for code scanning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limbeck.lint.allowances import UNREASONED, UNUSED
from limbeck.lint.linting import Report
from limbeck.lint.rules.hazard import Hazard
from limbeck.lint.rules.pages import page
from limbeck.output.hazards import shown, size_text
from limbeck.version import __version__

GITHUB = {"blocking": "error", "warning": "warning", "note": "notice"}
SARIF = {"blocking": "error", "warning": "warning", "note": "note"}

COMMENTS = {
    UNREASONED: "A comment allows a rule and does not say why.",
    UNUSED: "A comment allows what is not there.",
}


def hazards_github(report: Report) -> str:
    """Return workflow commands, one a line, which GitHub shows beside the lines of the files."""
    return "\n".join(_command(hazard, report) for hazard in report.hazards)


def _command(hazard: Hazard, report: Report) -> str:
    path = _property(_in_repository(hazard.path))
    where = f"file={path},line={hazard.line},title={_property(hazard.code)}"
    return f"::{GITHUB[hazard.level]} {where}::{_data(_message(hazard, report))}"


def _message(hazard: Hazard, report: Report) -> str:
    parts = (hazard.message, size_text(hazard, report), f"Instead: {hazard.recipe}")
    return "\n".join(part for part in parts if part)


def _in_repository(path: Path) -> str:
    """Return a path from the root of its repository, where reviewers' tools look for it."""
    for folder in path.parents:
        if (folder / ".git").exists():
            return path.relative_to(folder).as_posix()
    return shown(path)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def hazards_sarif(report: Report) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log with one run; what comments allow is marked as suppressed."""
    all_hazards = [*report.hazards, *(allowed.hazard for allowed in report.allowed)]
    results = [_result(hazard, report) for hazard in report.hazards]
    results += [
        {
            **_result(allowed.hazard, report),
            "suppressions": [{"kind": "inSource", "justification": allowed.reason}],
        }
        for allowed in report.allowed
    ]
    driver = {"name": "limbeck", "version": __version__, "rules": _rules(all_hazards)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _rules(hazards: Sequence[Hazard]) -> list[dict[str, Any]]:
    codes = sorted({hazard.code for hazard in hazards})
    return [
        {"id": code, "shortDescription": {"text": COMMENTS.get(code) or page(code).summary}}
        for code in codes
    ]


def _result(hazard: Hazard, report: Report) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": _in_repository(hazard.path)},
        "region": {"startLine": max(hazard.line, 1)},
    }
    return {
        "ruleId": hazard.code,
        "level": SARIF[hazard.level],
        "message": {"text": _message(hazard, report)},
        "locations": [{"physicalLocation": place}],
    }
