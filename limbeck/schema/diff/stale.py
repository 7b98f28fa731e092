"""What Postgres has stored or checked with a function whose body changes.

CREATE OR REPLACE FUNCTION touches no row: an index keeps the keys of the former body, a stored
generated column its values, a partition its rows, and a check stays valid although rows may break
it now. `renewing` rebuilds these parts, and `ordering` puts that after the functions.

An index is dropped and created again, not rebuilt by REINDEX: a session keeps the expressions of
an index with functions in SQL inlined (RelationGetIndexExpressions() in relcache.c), and neither
CREATE OR REPLACE FUNCTION nor REINDEX makes it forget them. So a session that has used the index
would fill it by the former function; a new index, like that of REINDEX CONCURRENTLY, is not known.

Postgres records what an expression calls, and what SQL bodies with BEGIN ATOMIC or RETURN call. In
a body that is a string, every word may be a name; a wrong guess builds an index without need.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import sql
from limbeck.schema.diff.column_operations import AddColumn
from limbeck.schema.diff.operations import AddConstraint, CreateIndex, Execute
from limbeck.schema.diff.part import DomainRule, Part, derived
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql import forms
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import content, unquote

CALLS: Final = "it calls a function that has changed"
# What calls a function on behalf of an expression that only names an operator, a type or a class.
_BETWEEN: Final = frozenset({"function", "operator", "operator_class", "operator_family", "cast"})
# Attributes that change what a function costs or who may plan with it, not what it returns.
_COSTS: Final = re.compile(
    r" ?\b(IMMUTABLE|STABLE|VOLATILE|(NOT )?LEAKPROOF|PARALLEL \w+|(COST|ROWS) [\d.e+]+)\b"
)
_HEADER: Final = re.compile(r"\n(?=AS |BEGIN ATOMIC|RETURN )")


@dataclass(frozen=True, slots=True)
class Stale:
    """A part that holds what changed functions have computed; `functions` are on the path to it."""

    part: Part
    functions: frozenset[Address]


def dependants(before: Parts, after: Parts, fate: Mapping[Address, str]) -> dict[Address, Stale]:
    """Return the parts of the new schema that changed functions have computed, or checked.

    Args:
        before: The parts of the schema before the change.
        after: The parts of the schema after it.
        fate: What becomes of each part that differs.

    """
    return computed_by(after, set(_changed(before, after, fate)))


def computed_by(parts: Parts, functions: Collection[Address]) -> dict[Address, Stale]:
    """Return the parts that functions have computed, or checked, directly or not."""
    callers = _callers(parts, functions) if functions else {}
    return {
        address: Stale(parts[address], path)
        for address, path in sorted(callers.items())
        if _stores(parts[address])
    }


def remedy(part: Part, major: int) -> str | None:
    """Return the fate of a part that must be rebuilt; None where no statement rebuilds it."""
    if isinstance(part, Table):
        return None
    if isinstance(part, Column) and forms.SET_EXPRESSION.exists(major):
        return "alter"
    return "replace"


def computed_anew(before: Part, after: Column) -> bool:
    """Return whether a column changes in a way that has Postgres compute its values anyway."""
    old = before if isinstance(before, Column) else after
    return (old.type, old.default) != (after.type, after.default)


def recomputed(column: Column) -> Step:
    """Return the step that computes every value of a stored generated column again."""
    text = f"{sql.alter_column(column)} SET EXPRESSION AS ({column.default})"
    return Step(
        Execute(text, "alter", column.address), note=f"computes every value again, because {CALLS}"
    )


def explained(steps: Iterable[Step]) -> list[Step]:
    """Return the steps that create a part again, with the reason."""
    creates = (AddColumn, AddConstraint, CreateIndex)
    return [
        replace(step, note=f"created again, because {CALLS}")
        if isinstance(step.operation, creates) and not step.note
        else step
        for step in steps
    ]


def warning(function: Address, stale: Mapping[Address, Stale]) -> str | None:
    """Return the warning about the partition keys that call a changed function."""
    tables = [
        of(address)
        for address, each in stale.items()
        if isinstance(each.part, Table) and function in each.functions
    ]
    if not tables:
        return None
    return (
        f"The partition key of {', '.join(tables)} calls it: rows stay in the partitions that the "
        "former function chose, where queries do not look for them. Move them by hand."
    )


def _changed(before: Parts, after: Parts, fate: Mapping[Address, str]) -> Iterator[Address]:
    """Yield the functions that may return something else than before, and new overloads."""
    names = {part.name for part in before.by_address.values() if isinstance(part, Function)}
    for address, chosen in fate.items():
        old, new = before.get(address), after.get(address)
        if isinstance(old, Function) and isinstance(new, Function):
            if chosen == "replace" or _meaning(old) != _meaning(new):
                yield address
        elif isinstance(new, Function) and new.name in names:
            yield address


def _meaning(function: Function) -> tuple[str, ...]:
    """Return what a function does, without comments, line breaks and planner hints."""
    header, *body = _HEADER.split(function.definition, maxsplit=1)
    text = "".join(body)
    if function.language in {"sql", "plpgsql"}:
        bodies = (content(t) if kind == "body" else t for kind, t, _ in tokens(text))
        text = " ".join(sign for each in bodies for _, sign, _ in tokens(each))
    return (_COSTS.sub("", header), text)


def _callers(after: Parts, changed: Iterable[Address]) -> dict[Address, frozenset[Address]]:
    """Return all that calls changed functions, directly or not, with the functions on its path."""
    by_word = _by_word(after)
    reached: dict[Address, set[Address]] = defaultdict(set)
    for first in changed:
        if first not in after:
            continue
        todo, seen = [first], {first}
        while todo:
            used = todo.pop()
            users = {*after.users[used], *_readers(used, after, by_word)} - seen
            seen |= users
            todo += [user for user in users if user.kind in _BETWEEN]
        path = {address for address in seen if address.kind == "function"}
        for address in seen - {first}:
            reached[address] |= path
    return {address: frozenset(path) for address, path in reached.items()}


def _by_word(after: Parts) -> Mapping[str, set[Address]]:
    """Return the functions by the words and operators in their quoted bodies."""
    words: dict[str, set[Address]] = defaultdict(set)
    for address, part in after.by_address.items():
        if isinstance(part, Function):
            for kind, text, _ in tokens(part.definition):
                if kind == "body":
                    for word in _words(content(text)):
                        words[word].add(address)
    return words


def _words(body: str) -> Iterator[str]:
    for kind, text, _ in tokens(body):
        if kind in {"string", "body"}:  # dynamic SQL, and what it quotes
            yield from _words(content(text))
        elif kind == "name":
            yield unquote(text)
        elif kind in {"word", "sign"}:
            yield text.lower()


def _readers(used: Address, after: Parts, by_word: Mapping[str, set[Address]]) -> Iterator[Address]:
    """Yield the functions whose quoted body names a function, an operator or a type cast to."""
    part = after[used]
    if isinstance(part, Function):
        yield from by_word.get(part.name, ())
    elif used.kind == "operator":
        yield from by_word.get(used.name.partition("(")[0], ())
    elif used.kind == "cast":
        for word in re.findall(r"\w+", used.name.rpartition(" AS ")[2]):
            yield from by_word.get(word, ())


def _stores(part: Part) -> bool:
    """Return whether a part holds, or vouches for, what its expressions have returned."""
    if isinstance(part, Column):
        return part.generated == "s" and not derived(part)
    if isinstance(part, Constraint):
        proven = part.validated and part.enforced and not derived(part)
        return part.type in "pux" or (part.type == "c" and proven)
    if isinstance(part, Table):
        return part.partition_key is not None
    return isinstance(part, Index | DomainRule)
