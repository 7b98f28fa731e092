"""Run revisions on a shadow and note what every statement does: locks, rewrites, scans."""

from __future__ import annotations

from limbeck.trace.facts import Column, Constraint, Facts, Index, Relation, Type
from limbeck.trace.statement import Failure, Statement, Work, strength
from limbeck.trace.tracing import Trace, trace

__all__ = [
    "Column",
    "Constraint",
    "Facts",
    "Failure",
    "Index",
    "Relation",
    "Statement",
    "Trace",
    "Type",
    "Work",
    "strength",
    "trace",
]
