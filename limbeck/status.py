"""Where each environment stands, and what a check complains about."""

from __future__ import annotations

from limbeck.run.status import Finding, Status, check, findings, status, unrecorded

__all__ = [
    "Finding",
    "Status",
    "check",
    "findings",
    "status",
    "unrecorded",
]
