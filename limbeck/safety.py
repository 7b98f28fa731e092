"""The hazards of revisions: lint them, and refuse what blocks."""

from __future__ import annotations

from limbeck.lint.linting import Allowed, Report, chosen, lint, pending, refuse

__all__ = [
    "Allowed",
    "Report",
    "chosen",
    "lint",
    "pending",
    "refuse",
]
