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
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import AddColumn
from limbeck.schema.diff.operations import Comment, CreateFunction, CreateTable
from limbeck.schema.diff.steps import Step

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
    return isinstance(step.operation, CreateFunction)


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
    told = list(_sources(steps, both, plain_sql=plain_sql))
    blocks: list[str] = []
    for outside, group in groupby(told, key=lambda one: one[0].outside):
        lines = list(_lines(list(group), follows=bool(blocks), unchecked=unchecked))
        blocks.append(_autocommit("\n".join(lines)) if outside else "\n".join(lines))
    imports = frozenset().union(*(source.imports for _, source in told))
    return Body("\n".join(blocks) or "pass", imports)


def _sources(
    steps: Sequence[Step], catalog: Catalog, *, plain_sql: bool
) -> Iterator[tuple[Step, Source]]:
    for step in steps if plain_sql else _folded(steps):
        spoken = None if plain_sql else call_of(step.operation, catalog)
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


def _folded(steps: Sequence[Step]) -> list[Step]:
    """Fold comments into what creates their table or column; the rest stays as it is."""
    comments = {
        step.address: step
        for step in steps
        if isinstance(step.operation, Comment) and isinstance(step.operation.item, Table | Column)
    }
    folded: set[Address] = set()
    steps = [_with_comments(step, comments, folded) for step in steps]
    return [
        step
        for step in steps
        if step.address not in folded or comments.get(step.address) is not step
    ]


def _with_comments(step: Step, comments: dict[Address, Step], folded: set[Address]) -> Step:
    operation = step.operation
    if isinstance(operation, CreateTable):
        columns = tuple(
            one if one.address in comments else replace(one, comment=None)
            for one in operation.columns
        )
        table = operation.table
        if table.address not in comments:
            table = replace(table, comment=None)
        folded.update({table.address, *(one.address for one in columns)} & comments.keys())
        return replace(step, operation=replace(operation, table=table, columns=columns))
    if isinstance(operation, AddColumn):
        address = operation.column.address
        if address not in comments:
            bare = replace(operation.column, comment=None)
            return replace(step, operation=replace(operation, column=bare))
        folded.add(address)
    return step
