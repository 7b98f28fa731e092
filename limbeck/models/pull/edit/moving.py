"""The working models after renames: as their source, once it has the new names, describes them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import field, replace

from limbeck.dataclass import dataclass
from limbeck.models.pull.edit.known import Link, Pair, Working
from limbeck.models.pull.render.conventions import moved_name
from limbeck.models.pull.render.models import Known
from limbeck.models.pull.render.serials import next_value, serials
from limbeck.models.source import constraints, indexes
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, Identity, NotNull
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.renames.move import moved as moved_by
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql.quoting import names, qualified


@dataclass(frozen=True, slots=True)
class Renames:
    """Renames of tables and columns by the old names; columns by the old address of their table."""

    tables: Mapping[Address, Address]
    columns: Mapping[Address, Mapping[str, str]]
    each: Sequence[Rename] = field(default=())

    @classmethod
    def of(cls, renames: Sequence[Rename]) -> Renames:
        """Sort renames, of which those of tables precede those of their columns."""
        tables = {rename.before: rename.after for rename in renames if rename.kind == "table"}
        back = {after: before for before, after in tables.items()}
        columns: dict[Address, dict[str, str]] = {}
        for rename in renames:
            if rename.kind == "column":
                table = rename.before._replace(kind="table", part="")
                own = columns.setdefault(back.get(table, table), {})
                own[rename.before.part] = rename.after.part
        return cls(tables, columns, renames)

    def table(self, old: Address) -> Address:
        """Return the new address of a table."""
        return self.tables.get(old, old)

    def column(self, table: Address, old: str) -> str:
        """Return the new name of a column; the address of its table is the old one."""
        return self.columns.get(table, {}).get(old, old)

    def __bool__(self) -> bool:
        return bool(self.tables or self.columns)


def known_after(known: Working, renames: Renames) -> Working:
    """Return the working models by their new names in the database; those in Python stay."""
    return replace(
        known,
        tables={
            renames.table(address): _known(own, address, renames)
            for address, own in known.tables.items()
        },
        links=tuple(_link(link, renames) for link in known.links),
    )


def _known(own: Known, address: Address, renames: Renames) -> Known:
    if address not in renames.columns:
        return own

    def named(column: str) -> str:
        return renames.column(address, column)

    attributes = {
        # The key of a Table's column is its name; the attribute of a class stays.
        named(column): key if own.mapped or key != column else named(column)
        for column, key in own.attributes.items()
    }
    return replace(
        own,
        attributes=attributes,
        decorated=frozenset(map(named, own.decorated)),
        serials=frozenset(map(named, own.serials)),
    )


def _link(link: Link, renames: Renames) -> Link:
    def pair(old: Pair) -> Pair:
        return frozenset((renames.table(at), renames.column(at, name)) for at, name in old)

    return replace(
        link,
        owner=renames.table(link.owner),
        target=renames.table(link.target),
        pairs=frozenset(map(pair, link.pairs)),
        secondary=link.secondary and renames.table(link.secondary),
    )


def catalog_after(
    before: Catalog,
    live: Catalog,
    renames: Renames,
    convention: Mapping[str, str],
    written: Container[str],
) -> Catalog:
    """Return the schema that working models create once their source has the new names.

    SQL in them still has the old names, so that it differs from that of the database and is
    written anew. A constraint, an index or a sequence that the source does not name is called
    after its table and columns.

    Args:
        before: the schema that they create with the old names.
        live: the schema of the database.
        renames: the renames.
        convention: names constraints and indexes.
        written: the names in the source.

    """
    after = before
    for rename in renames.each:
        after = moved_by(after, rename)
    back = {renames.table(at): at for at in {*renames.tables, *renames.columns}}
    changed: dict[Address, Object] = {}
    changed |= dict(_parts(before, after, live, back, convention, written))
    changed |= dict(_columns(before, after, back, renames, written))
    addresses = {at: item.address for at, item in changed.items() if item.address != at}
    objects = {at: item for at, item in after.objects.items() if at not in changed}
    objects |= {item.address: item for item in changed.values()}
    depends = {
        addresses.get(user, user): frozenset(addresses.get(at, at) for at in used)
        for user, used in after.depends.items()
    }
    return replace(after, objects=objects, depends=depends)


def _parts(  # noqa: PLR0913, PLR0917 - three schemas, and what names follow
    before: Catalog,
    after: Catalog,
    live: Catalog,
    back: Mapping[Address, Address],
    convention: Mapping[str, str],
    written: Container[str],
) -> Iterator[tuple[Address, Constraint | Index]]:
    """Yield the constraints and indexes that get another name, by the address that they have."""
    parts: list[Constraint | Index] = [*after.every(Constraint), *after.every(Index)]
    for part in parts:
        at = part.table if isinstance(part, Index) else Address("table", part.schema, part.table)
        table = back.get(at, at)
        origin = part.address._replace(schema=table.schema)
        if isinstance(part, Constraint):
            origin = origin._replace(name=table.name)
        old = before.objects.get(origin)
        if not isinstance(old, (Constraint, Index)) or _spelled(old) == _spelled(part):
            continue
        name = part.name if old.name in written else moved_name(old, part, convention)
        yield part.address, _redefined(replace(part, name=name), live)


def _spelled(part: Constraint | Index) -> tuple[object, ...]:
    """Return what a rename may change in a constraint or an index."""
    if isinstance(part, Index):
        return part.table, part.keys, part.include
    return part.schema, part.table, part.columns, part.include, part.reference


def _redefined(part: Constraint | Index, live: Catalog) -> Constraint | Index:
    like = live.objects.get(part.address)
    if isinstance(part, Index):
        return indexes.redefined(part, like if isinstance(like, Index) else None)
    return constraints.redefined(part, like if isinstance(like, Constraint) else None)


def _columns(
    before: Catalog,
    after: Catalog,
    back: Mapping[Address, Address],
    renames: Renames,
    written: Container[str],
) -> Iterator[tuple[Address, Object]]:
    """Yield the columns of renamed tables, and their sequences, whose implied names follow them."""
    fed = serials(before)
    for column in after.every(Column):
        table = Address("table", column.schema, column.table)
        if (origin := back.get(table)) is None:
            continue
        back_names = {new: old for old, new in renames.columns.get(origin, {}).items()}
        old = before.objects[
            origin._replace(kind="column", part=back_names.get(column.name, column.name))
        ]
        assert isinstance(old, Column)  # noqa: S101 - an address of that kind
        changed = replace(
            column, not_null=_not_null(old, column, written), identity=_identity(old, column)
        )
        sequence = fed.get(old.address)
        if sequence is not None and sequence.name not in written:
            # `moved` has put it into the schema of its table.
            at = Address("sequence", column.schema, sequence.name)
            own = replace(
                sequence,
                schema=column.schema,
                name=chosen_name(column.table, column.name, "seq"),
                owned_by=column.address,
            )
            changed = replace(changed, default=next_value(own))
            yield at, own
        if changed != column:
            yield column.address, changed


def _not_null(old: Column, new: Column, written: Container[str]) -> NotNull | None:
    constraint = new.not_null
    if constraint is None or constraint.name is None or constraint.name in written:
        return constraint
    if constraint.name != chosen_name(old.table, old.name, "not_null"):
        return constraint
    return replace(constraint, name=chosen_name(new.table, new.name, "not_null"))


def _identity(old: Column, new: Column) -> Identity | None:
    if old.identity is None or new.identity is None:
        return new.identity
    if names(old.identity.sequence)[-1] != chosen_name(old.table, old.name, "seq"):
        return new.identity
    name = chosen_name(new.table, new.name, "seq")
    return replace(new.identity, sequence=qualified(new.schema, name))
