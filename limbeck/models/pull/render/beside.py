"""What stands beside the tables, as limbeck.entities; SQL says what has no entity of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limbeck.models.pull.render import split
from limbeck.models.pull.render.contents import Contents
from limbeck.models.pull.render.entity import expression, statement
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.schemas import Schema

if TYPE_CHECKING:
    from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Declaration:
    """What declares an object, or something of one; whole where it says all of it."""

    address: Address
    source: Source
    whole: bool


def beside(
    catalog: Catalog, made_early: frozenset[Address], tables: Mapping[Address, Contents]
) -> list[Declaration]:
    """Return the declarations of everything that the tables do not say, in order.

    Args:
        catalog: the whole database.
        made_early: what is created before the tables.
        tables: the tables as SQLAlchemy says them.

    """
    empty, first = split.before_tables(catalog, made_early, tables)
    made = split.with_tables(catalog, made_early, tables)
    implied = {found for found in catalog.of(Schema) if _is_implied(found, first, made)}
    prepared = _steps(empty, first)
    before = [step for step in prepared if step.address.kind != "enum"]
    plain = [step for step in before if catalog.objects.get(step.address) not in implied]
    after = _steps(made, catalog)
    comments = [step for step in prepared if _is_enum_comment(step)]
    if not (plain or comments or after):
        # Schemas are created along with entities, and there are none.
        plain = before
    return [
        *_declarations(plain, catalog, before_tables=True),
        *_declarations(comments, catalog, before_tables=True),
        *_declarations(after, catalog, before_tables=False),
    ]


def _steps(before: Catalog, after: Catalog) -> Sequence[Step]:
    if not before.changes_to(after):
        return ()
    from limbeck.schema.diff import compare  # noqa: PLC0415 - much, and tables alone do not need it

    return compare.steps(before, after)


def _is_implied(schema: Schema, *catalogs: Catalog) -> bool:
    # A schema that a table or an entity lies in is created with it.
    return schema.comment is None and any(
        address.schema == schema.name and address.kind != "enum"
        for catalog in catalogs
        for address in catalog.objects
    )


def _is_enum_comment(step: Step) -> bool:
    return step.address.kind == "enum" and step.verb == "alter"


def _declarations(
    steps: Iterable[Step], catalog: Catalog, *, before_tables: bool
) -> Iterator[Declaration]:
    said: set[Address] = set()
    for step in steps:
        if step.address in said:
            continue
        found = catalog.objects.get(step.address)
        if found is not None and step.verb == "create":
            made = expression(found, before_tables=before_tables)
            if made is not None:
                said.add(step.address)
                yield Declaration(step.address, made, whole=True)
                continue
        source = statement(step, before_tables=before_tables)
        yield Declaration(step.address, source, whole=step.verb == "create")
