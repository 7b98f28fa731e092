"""Objects beside the tables as limbeck.entities, as SQL where no entity describes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.models.pull.render import split
from limbeck.models.pull.render.contents import Contents
from limbeck.models.pull.render.declaring import entity_of, is_beyond, statement
from limbeck.models.pull.render.serials import feeding
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.schemas import Schema

if TYPE_CHECKING:
    from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declaration of an object; `whole` tells that it describes all of it."""

    address: Address
    source: Source
    whole: bool

    @property
    def form(self) -> str:
        """The name of the class that it calls."""
        return self.source.text.partition("(")[0]


def beside(
    catalog: Catalog, made_early: frozenset[Address], tables: Mapping[Address, Contents]
) -> list[Declaration]:
    """Return the declarations of everything that the tables do not describe, in order.

    Args:
        catalog: the whole database.
        made_early: the objects created before the tables.
        tables: the tables as SQLAlchemy describes them.

    """
    empty, first = split.before_tables(catalog, made_early, tables)
    created = split.with_tables(catalog, made_early, tables)
    implied = {schema for schema in catalog.of(Schema) if _is_implied(schema, first, created)}
    prepared = _steps(empty, first)
    before = [step for step in prepared if step.address.kind != "enum"]
    plain = [step for step in before if catalog.objects.get(step.address) not in implied]
    after = _steps(created, catalog)
    comments = [step for step in prepared if _is_enum_comment(step)]
    if not (plain or comments or after):
        # Entities create their schemas, but there are no entities.
        plain = before
    fed = {
        sequence: column
        for sequence, column in feeding(catalog).items()
        if Address("table", column.schema, column.name) in tables
    }
    return [
        *_declarations(plain, catalog, fed, before_tables=True),
        *_declarations(comments, catalog, fed, before_tables=True),
        *_declarations(after, catalog, fed, before_tables=False),
    ]


def _steps(before: Catalog, after: Catalog) -> Sequence[Step]:
    if not before.changes_to(after):
        return ()
    from limbeck.schema.diff import compare  # noqa: PLC0415 - much, and tables alone do not need it

    return compare.steps(before, after)


def _is_implied(schema: Schema, *catalogs: Catalog) -> bool:
    # create_all creates the schemas of tables and entities.
    return schema.comment is None and any(
        address.schema == schema.name and address.kind != "enum"
        for catalog in catalogs
        for address in catalog.objects
    )


def _is_enum_comment(step: Step) -> bool:
    return step.address.kind == "enum" and step.verb == "alter"


def _declarations(
    steps: Iterable[Step],
    catalog: Catalog,
    fed: Mapping[Address, Address],
    *,
    before_tables: bool,
) -> Iterator[Declaration]:
    declared: set[Address] = set()
    # The entity of a sequence makes it the default of its column.
    of_sequences = set(fed.values())
    for step in steps:
        if step.address in of_sequences and " SET DEFAULT " in step.sql:
            continue
        # The comment on a column of a view has the address of that column.
        address = step.address._replace(part="") if step.address.kind in _PARTED else step.address
        item = catalog.objects.get(address)
        if address in declared and not (item and is_beyond(step, item)):
            continue
        feeds = address in fed
        entity = item and entity_of(step, item, before_tables=before_tables, feeds=feeds)
        if entity:
            declared.add(address)
            yield Declaration(address, entity, whole=step.verb == "create")
        else:
            yield Declaration(address, statement(step, before_tables=before_tables), whole=False)


_PARTED = frozenset({"view", "composite", "domain"})
