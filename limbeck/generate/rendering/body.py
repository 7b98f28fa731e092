"""The body of upgrade() or downgrade(), rendered from steps."""

from __future__ import annotations

import textwrap
from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.generate.rendering import remembering
from limbeck.generate.rendering.operations import call_of
from limbeck.generate.rendering.statements import execute
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import AddColumn
from limbeck.schema.diff.operations import AddValue, Comment, CreateFunction, CreateTable
from limbeck.schema.diff.remembering import Remember
from limbeck.schema.diff.steps import Step

# Alembic commits when such a block begins, and has no other way to do so. The block contains only
# the sentence that says why.
ALONE = "Commit, so that changes of {} run in a transaction of their own and lock no other table."
OUTSIDE = "Outside of a transaction, so that nobody waits for what takes long."
LABEL = "Outside of a transaction, because a label cannot be used before it is committed."
UNCHECKED = """\
# Function bodies may name objects that are created later, or are dropped already.
op.execute("SET LOCAL check_function_bodies = off")"""


_Rendered: TypeAlias = tuple[Step, Source]


@dataclass(frozen=True, slots=True)
class Body:
    """Python statements without indentation, and what their module needs beside op.

    `imports` are lines of import statements, `constants` are assignments.
    """

    text: str
    imports: frozenset[str]
    constants: frozenset[str] = frozenset()


def creates_function(step: Step) -> bool:
    """Return whether a step creates a function or replaces its body."""
    return isinstance(step.operation, CreateFunction)


def render(
    steps: Sequence[Step],
    before: Catalog,
    after: Catalog,
    *,
    plain_sql: bool = False,
    unchecked: bool = False,
) -> Body:
    """Render steps as Python statements, one after the other.

    Args:
        steps: The steps that lead from one catalog to the other.
        before: The catalog that the steps start from.
        after: The catalog that they lead to.
        plain_sql: Render every step as op.execute.
        unchecked: Let Postgres accept the bodies of functions unchecked.

    """
    objects: ChainMap[Address, Object] = ChainMap(after.objects, before.objects)  # type: ignore[arg-type]  # it is only read
    both = replace(after, objects=objects)
    sources = list(_sources(steps, both, plain_sql=plain_sql))
    groups = list(_groups(sources))
    blocks = [
        _block(groups[:number], group, unchecked=unchecked, several=len(groups) > 1)
        for number, group in enumerate(groups)
    ]
    imports = frozenset().union(*(source.imports for _, source in sources))
    remembers = any(isinstance(step.operation, Remember) for step, _ in sources)
    constants = frozenset({remembering.CONSTANT} if remembers else ())
    return Body("\n\n".join(blocks) or "pass", imports, constants)


def _groups(sources: Sequence[_Rendered]) -> Iterator[list[_Rendered]]:
    """Yield the steps of each transaction, and between them those outside of any."""
    for outside, group in groupby(sources, key=lambda pair: pair[0].outside):
        pairs: list[_Rendered] = []
        for pair in group:
            if pair[0].begins and pairs and not outside:
                yield pairs
                pairs = []
            pairs.append(pair)
        yield pairs


def _block(
    earlier: Sequence[list[_Rendered]],
    group: list[_Rendered],
    *,
    unchecked: bool,
    several: bool,
) -> str:
    """Return the code of one transaction, or of the steps outside of any."""
    step = group[0][0]
    former = earlier[-1][-1][0] if earlier else None
    lines = list(_lines(group, former, unchecked=unchecked, several=several))
    if step.outside:
        why = LABEL if isinstance(step.operation, AddValue) else OUTSIDE
        head = [] if step.note else [_comment(why)]
        return _autocommit("\n".join([*head, *lines]))
    if former is None or former.outside:
        return "\n".join(lines)
    return "\n".join([_commit(f"{step.address.schema}.{step.address.name}"), "", *lines])


def _sources(steps: Sequence[Step], catalog: Catalog, *, plain_sql: bool) -> Iterator[_Rendered]:
    for step in steps if plain_sql else _folded(steps):
        operation = step.operation
        if isinstance(operation, Remember):
            source: Source | None = remembering.call_of(operation)
        else:
            source = None if plain_sql else call_of(operation, catalog)
        yield step, source or execute(step.sql)


def _lines(
    group: Sequence[_Rendered], former: Step | None, *, unchecked: bool, several: bool
) -> Iterator[str]:
    # SET LOCAL ends with its transaction, so each transaction needs it before its first function.
    is_set = not unchecked
    unit = former.unit if former else None
    for step, source in group:
        if several and step.unit and step.unit != unit:
            yield from map(_comment, step.unit.reasons)
        unit = step.unit
        if not is_set and creates_function(step):
            yield UNCHECKED
            is_set = True
        if step.note:
            yield _comment(step.note)
        yield source.text


def _comment(text: str) -> str:
    return textwrap.fill(text, 92, initial_indent="# ", subsequent_indent="# ")


def _commit(table: str) -> str:
    """Return the code that commits between two transactions."""
    sentence = ALONE.format(table.replace("\\", "\\\\").replace('"', "'"))
    return _autocommit(textwrap.fill(f'"""{sentence}"""', 92))


def _autocommit(code: str) -> str:
    return "with op.get_context().autocommit_block():\n" + textwrap.indent(code, "    ")


def _folded(steps: Sequence[Step]) -> list[Step]:
    """Fold comments into the op.* calls that create their table or column."""
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
    """Return a step with the comments that it may say, and note which those are.

    Its objects are as they are in the end. A comment that no step of this revision adds is on
    the object already, or will be; then the call must not add it.
    """
    operation = step.operation
    if isinstance(operation, CreateTable):
        table = (
            operation.item if step.address in comments else replace(operation.item, comment=None)
        )
        columns = tuple(
            column if column.address in comments else replace(column, comment=None)
            for column in operation.columns
        )
        folded.update({table.address, *(column.address for column in columns)} & comments.keys())
        return replace(step, operation=replace(operation, item=table, columns=columns))
    if isinstance(operation, AddColumn):
        if step.address not in comments:
            bare = replace(operation.item, comment=None)
            return replace(step, operation=replace(operation, item=bare))
        folded.add(step.address)
    return step
