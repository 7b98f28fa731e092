"""Hazards of revisions: traced on a shadow, judged by the rules, allowed by comments."""

from __future__ import annotations

from limbeck.safety.linting import Allowed, Report, chosen, lint, pending, refuse

__all__ = ["Allowed", "Report", "chosen", "lint", "pending", "refuse"]
