"""Plan a migration, have it confirmed, carry it out."""

from __future__ import annotations

from limbeck.gates import Through, Waiting
from limbeck.migrate.applying import WAIT, Confirm, apply
from limbeck.migrate.hooks import Hooks
from limbeck.migrate.keeping import Keep
from limbeck.migrate.planning import Plan, PlannedRevision, plan, rollback_plan
from limbeck.migrate.report import Applied, Report
from limbeck.migrate.stamping import stamp

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
