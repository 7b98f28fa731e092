"""Undone contracts, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.output.marks import Answer, Line, Span
from limbeck.phased.undo import Undo
from limbeck.plurals import counted

if TYPE_CHECKING:
    from limbeck.output.answers.phased import UndoAnswer


def undo_text(wanted: Undo) -> str:
    """Return what an undo restores, and what it loses."""
    revisions = ", ".join(wanted.revisions) or "none"
    return Answer(
        [
            Span(f"{wanted.environment}: {wanted.destination}", "heading"),
            f'Restores "{wanted.snapshot}", before the contract of {", ".join(wanted.changes)}.',
            Line(
                Span("Lost: ", "error"),
                f"everything written since {wanted.since:%Y-%m-%d %H:%M:%S %Z}",
            ),
            f"  revisions no longer applied: {revisions}",
            f"  {counted(wanted.sessions, 'session')} will end",
            f'The present state is kept as the branch "{wanted.preserved}".',
        ]
    )


def undone_text(wanted: Undo) -> str:
    """Return what an undo restored."""
    return (
        f"{wanted.environment} ({wanted.destination}) is in the state before the contract; "
        f'the state until now is kept as the branch "{wanted.preserved}".'
    )


def undo_data(wanted: Undo) -> UndoAnswer:
    """Return an undo for JSON."""
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
