"""Fill in rows in small batches, beside a running application."""

from __future__ import annotations

from limbeck.backfill.estimating import Estimate, estimate
from limbeck.backfill.plan import Plan, Task, plan
from limbeck.backfill.running import BATCH_TIME, MAX_LAG, Confirm, Filled, Report, run

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
