"""Plan a migration, confirm it, apply it."""

from __future__ import annotations

from limbeck.phased.gates.waiting import Through, Waiting
from limbeck.run.applying import WAIT, Confirm, apply
from limbeck.run.hooks import Hooks
from limbeck.run.keeping import Keep
from limbeck.run.plan import Plan, PlannedRevision
from limbeck.run.planning import plan, rollback_plan
from limbeck.run.report import Applied, Report
from limbeck.run.stamping import stamp

__all__ = [
    "WAIT",
    "Applied",
    "Confirm",
    "Hooks",
    "Keep",
    "Plan",
    "PlannedRevision",
    "Report",
    "Through",
    "Waiting",
    "apply",
    "plan",
    "rollback_plan",
    "stamp",
]
