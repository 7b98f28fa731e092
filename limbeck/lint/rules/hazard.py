"""Hazards, and the rules that find them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from limbeck.lint.rules.change import Change
from limbeck.lint.trace.statement import BLOCKS_READS, BLOCKS_WRITES, strength

Level: TypeAlias = Literal["blocking", "warning", "note"]
LEVELS: tuple[Level, ...] = ("blocking", "warning", "note")
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Size:
    """How big a table is on the environment that was asked: rows as estimated, bytes on disk."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says about a statement: on which relation, what happens, what to do instead.

    `level` is given where it is another than the rule's own.
    """

    relation: int | None
    message: str
    recipe: str
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Hazard:
    """A finding with all that a reader needs; `lock` is in the words of Postgres' manual."""

    code: str
    level: Level
    message: str
    recipe: str
    revision: str
    path: Path
    line: int
    statement: str
    relation: str | None = None
    lock: str | None = None
    blocks: str | None = None
    size: Size | None = None

    @property
    def page(self) -> str:
        """Where the rule is described."""
        return f"docs/rules/{self.code}.md"


@dataclass(frozen=True, slots=True)
class Rule:
    """A code, how bad it is, and the function that looks for it."""

    code: str
    level: Level
    find: Callable[[Change], Iterator[Finding]]


def rule(code: str, level: Level) -> Callable[[Callable[[Change], Iterator[Finding]]], Rule]:
    """Make a rule of a function."""

    def decorate(find: Callable[[Change], Iterator[Finding]]) -> Rule:
        return Rule(code, level, find)

    return decorate


def spelt(mode: str) -> str:
    """Return a lock mode as the manual writes it, such as ACCESS EXCLUSIVE."""
    return _WORD.sub(" ", mode.removesuffix("Lock")).upper()


def blocks(mode: str | None) -> str | None:
    """Return whom a lock keeps waiting, in plain words; None where only other schema changes."""
    if strength(mode) >= BLOCKS_READS:
        return "reads and writes"
    return "writes" if strength(mode) >= BLOCKS_WRITES else None


def waiting(change: Change, relation: int) -> str:
    """Return the half sentence that says who waits while a statement works."""
    mode = change.mode(relation) or "AccessExclusiveLock"
    return f"{blocks(mode)} of {change.name(relation)} wait ({spelt(mode)})"
