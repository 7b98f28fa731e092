"""Where each environment stands, and what a check complains about."""

from __future__ import annotations

from limbeck.run.environments import check, status, unrecorded
from limbeck.run.status import Finding, Status, findings

__all__ = [
    "Finding",
    "Status",
    "check",
    "findings",
    "status",
    "unrecorded",
]
