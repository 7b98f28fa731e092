"""The values of linting: a rule, what it finds in a statement, and the hazard that is reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.lint.rules.change import Change
from limbeck.lint.trace.statement import BLOCKS_READS, BLOCKS_WRITES, strength

Level: TypeAlias = Literal["blocking", "warning", "note"]
LEVELS: tuple[Level, ...] = ("blocking", "warning", "note")
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a table on an environment: estimated rows, and bytes on disk."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A relation that a rule applies to, and the values for the sentences on the rule's page.

    `case` selects the sentences of a rule that has several. `level` is set where it differs from
    the level of the rule.
    """

    relation: int | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    case: str = ""
    level: Level | None = None


Find: TypeAlias = Callable[[Change], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A code, which is the name of the rule's page, and the function that applies the rule."""

    code: str
    find: Find


@dataclass(frozen=True, slots=True)
class Hazard:
    """A finding in words, with its place in the revision; `lock` is spelled as in the manual."""

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
        """The page that describes the rule."""
        return f"docs/rules/{self.code}.md"


def spelt(mode: str) -> str:
    """Return a lock mode as the manual writes it, such as ACCESS EXCLUSIVE."""
    return _WORD.sub(" ", mode.removesuffix("Lock")).upper()


def blocks(mode: str | None) -> str | None:
    """Return what a lock blocks, in words; None where it blocks only other schema changes."""
    if strength(mode) >= BLOCKS_READS:
        return "reads and writes"
    return "writes" if strength(mode) >= BLOCKS_WRITES else None


def waiting(change: Change, relation: int) -> str:
    """Return the clause that says who waits while a statement runs."""
    mode = change.mode(relation) or "AccessExclusiveLock"
    return f"{blocks(mode)} of {change.name(relation)} wait ({spelt(mode)})"
