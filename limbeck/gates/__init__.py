"""Gates: whether the contract revision of a change may run on a database yet."""

from __future__ import annotations

from limbeck.gates.gate import Passed, Terms, Through, Waiting, contracted, passed
from limbeck.gates.uses import Use

__all__ = [
    "Passed",
    "Terms",
    "Through",
    "Use",
    "Waiting",
    "contracted",
    "passed",
]
