"""Remember on this machine which databases failed in the last run, and why; for `--only failed`.

What was applied is in the databases. A failure that was rolled back leaves nothing there, so it is
noted here at once, a line for each: a run that is killed loses none.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from limbeck.fleet.outcome import Outcome
    from limbeck.fleet.profile import Fleet
    from limbeck.project.project import Project


def read(project: Project, fleet: Fleet) -> dict[str, str]:
    """Return why databases failed, by their names."""
    failed: dict[str, str] = {}
    try:
        lines = _place(project, fleet).read_text(encoding="utf-8").splitlines()
    except OSError:
        return failed
    for line in lines:
        try:
            name, reason = json.loads(line)
        except ValueError:  # the end of a line that was not written
            continue
        if reason is None:
            failed.pop(name, None)
        else:
            failed[name] = reason
    return failed


def note(project: Project, fleet: Fleet, outcome: Outcome) -> None:
    """Note a failure, or that a database has succeeded after one."""
    path = _place(project, fleet)
    if not outcome.failed and not path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        reason = (outcome.reason or "no message") if outcome.failed else None
        file.write(json.dumps([outcome.member, reason]) + "\n")


def tidy(project: Project, fleet: Fleet) -> None:
    """Write only what counts, at the end of a run."""
    path = _place(project, fleet)
    failed = read(project, fleet)
    if failed:
        path.write_text("".join(json.dumps(each) + "\n" for each in failed.items()))
    else:
        path.unlink(missing_ok=True)


def _place(project: Project, fleet: Fleet) -> Path:
    selection = replace(fleet.selection, names=(), shard=None)
    key = hashlib.sha256(repr((fleet.name, selection)).encode()).hexdigest()[:16]
    return project.home / f"fleet-{key}.jsonl"
