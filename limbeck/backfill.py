"""Fill in the rows of an expanded change: plan, estimate, run."""

from __future__ import annotations

from limbeck.phased.backfill.estimating import Estimate, estimate
from limbeck.phased.backfill.planning import Plan, Task, plan
from limbeck.phased.backfill.running import BATCH_TIME, MAX_LAG, Confirm, Filled, Report, run

__all__ = [
    "BATCH_TIME",
    "MAX_LAG",
    "Confirm",
    "Estimate",
    "Filled",
    "Plan",
    "Report",
    "Task",
    "estimate",
    "plan",
    "run",
]
