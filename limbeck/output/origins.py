"""The baseline that was written, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.generate.origin import Origin
from limbeck.paths import shown
from limbeck.plurals import counted, nouns

if TYPE_CHECKING:
    from limbeck.output.answers.history import BaselineAnswer


def origin_text(origin: Origin) -> str:
    """Return what was written, and what is replayed on it."""
    baseline = origin.baseline
    source = f"{baseline.environment} at {baseline.at} (PostgreSQL {baseline.server})"
    lines = [f"Wrote {shown(baseline.path)}: {counted(origin.tables, 'table')} of {source}."]
    following = counted(origin.following, "revision")
    lines.append(f"Replays start from it and run {following} after it.")
    if origin.covered:
        verb = nouns(origin.covered, "is", "are")
        covered = counted(origin.covered, "revision")
        lines.append(f"{covered} up to there {verb} not replayed any more.")
    return "\n".join(lines)


def origin_data(origin: Origin) -> BaselineAnswer:
    """Return the same for JSON."""
    baseline = origin.baseline
    return {
        "path": str(baseline.path),
        "revisions": list(baseline.revisions),
        "environment": baseline.environment,
        "server": baseline.server,
        "tables": origin.tables,
        "covered": origin.covered,
        "following": origin.following,
    }
