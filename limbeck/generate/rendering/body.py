"""The body of upgrade() or downgrade()."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from limbeck.generate.rendering.operations import call_of
from limbeck.generate.rendering.statements import execute
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import (
    AddColumn,
    CommentOnColumn,
    CommentOnTable,
    CreateTable,
    Operation,
    Step,
)

# Alembic commits when such a block begins.
COMMIT = """\
with op.get_context().autocommit_block():
    pass  # commits, so that one table is locked at a time"""
UNCHECKED = """\
# Bodies of functions may name what comes later, or what is gone.
op.execute("SET LOCAL check_function_bodies = off")"""


@dataclass(frozen=True, slots=True)
class Body:
    """Lines of Python, not indented, and the import lines that they need beside op."""

    text: str
    imports: frozenset[str]


def makes_function(step: Step) -> bool:
    """Say whether a step creates a function or gives it another body."""
    return step.address.kind == "function" and step.sql.startswith("CREATE ")


def render(
    steps: Sequence[Step],
    before: Catalog,
    after: Catalog,
    *,
    plain_sql: bool = False,
    unchecked: bool = False,
) -> Body:
    """Return the text that carries out these steps, one after the other.

    Args:
        steps: what diff.steps gave for these two catalogs.
        before: the catalog that the steps start from.
        after: the catalog that they lead to.
        plain_sql: write every step as op.execute.
        unchecked: whether Postgres shall take the bodies of functions as they are.

    """
    both = replace(after, objects={**before.objects, **after.objects})
    told = list(_sources([], steps, both) if plain_sql else _sources(*_folded(steps), both))
    blocks: list[str] = []
    for outside, group in groupby(told, key=lambda one: one[0].outside):
        lines = list(_lines(list(group), follows=bool(blocks), unchecked=unchecked))
        blocks.append(_autocommit("\n".join(lines)) if outside else "\n".join(lines))
    imports = frozenset().union(*(source.imports for _, source in told))
    return Body("\n".join(blocks) or "pass", imports)


def _sources(
    operations: Sequence[Operation | None], steps: Sequence[Step], catalog: Catalog
) -> Iterator[tuple[Step, Source]]:
    for number, step in enumerate(steps):
        operation = operations[number] if operations else None
        spoken = call_of(operation, catalog) if operation else None
        yield step, spoken or execute(step.sql)


def _lines(
    group: Sequence[tuple[Step, Source]], *, follows: bool, unchecked: bool
) -> Iterator[str]:
    said = not unchecked
    for number, (step, source) in enumerate(group):
        if step.begins and (follows or number):
            yield COMMIT
            said = not unchecked
        if not said and makes_function(step):
            yield UNCHECKED
            said = True
        if step.note:
            yield textwrap.fill(step.note, 92, initial_indent="# ", subsequent_indent="# ")
        yield source.text


def _autocommit(code: str) -> str:
    return "with op.get_context().autocommit_block():\n" + textwrap.indent(code, "    ")


def _folded(steps: Sequence[Step]) -> tuple[list[Operation | None], list[Step]]:
    """Fold comments into what creates their table or column; the rest stays as it is."""
    comments = {
        step.address: step
        for step in steps
        if isinstance(step.operation, CommentOnTable | CommentOnColumn)
    }
    folded: set[Address] = set()
    operations = [_with_comments(step.operation, comments, folded) for step in steps]
    kept = [
        (operation, step)
        for operation, step in zip(operations, steps, strict=True)
        if step.address not in folded or comments.get(step.address) is not step
    ]
    return [operation for operation, _ in kept], [step for _, step in kept]


def _with_comments(
    operation: Operation | None, comments: dict[Address, Step], folded: set[Address]
) -> Operation | None:
    if isinstance(operation, CreateTable):
        columns = tuple(
            one if one.address in comments else replace(one, comment=None)
            for one in operation.columns
        )
        table = operation.table
        if table.address not in comments:
            table = replace(table, comment=None)
        folded.update({table.address, *(one.address for one in columns)} & comments.keys())
        return replace(operation, table=table, columns=columns)
    if isinstance(operation, AddColumn):
        address = operation.column.address
        if address not in comments:
            return replace(operation, column=replace(operation.column, comment=None))
        folded.add(address)
    return operation
