"""A return to what was kept before a contract, as text and as JSON."""

from __future__ import annotations

from typing import Any

from limbeck.output.tables import counted
from limbeck.phased.undo import Undo


def undo_text(wanted: Undo) -> str:
    """Return what would be brought back, and what is lost."""
    revisions = ", ".join(wanted.revisions) or "none"
    return "\n".join(
        [
            f"{wanted.environment}: {wanted.destination}",
            f'Back to "{wanted.snapshot}", before the contract of {", ".join(wanted.changes)}.',
            f"Lost: what was written since {wanted.since:%Y-%m-%d %H:%M:%S %Z}",
            f"  revisions taken back: {revisions}",
            f"  {counted(wanted.sessions, 'session')} will end",
            f'What is there now stays as the branch "{wanted.preserved}".',
        ]
    )


def undone_text(wanted: Undo) -> str:
    """Return what was done."""
    return (
        f"{wanted.environment} ({wanted.destination}) is as it was before the contract; "
        f'what it was until now is the branch "{wanted.preserved}".'
    )


def undo_data(wanted: Undo) -> dict[str, Any]:
    """Return what was done, for JSON."""
    return {
        "environment": wanted.environment,
        "destination": wanted.destination,
        "branch": wanted.branch,
        "kept": wanted.snapshot,
        "since": wanted.since.isoformat(),
        "changes": list(wanted.changes),
        "revisions": list(wanted.revisions),
        "preserved": wanted.preserved,
    }
