"""The working models and the live schema with the same names, and their differences."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.models.pull.edit import restated
from limbeck.models.pull.edit.known import Pair, Working
from limbeck.models.pull.render.beside import Declaration, beside
from limbeck.models.pull.render.columns import is_implied
from limbeck.models.pull.render.contents import Contents, contents
from limbeck.models.pull.render.models import Model, Models, Naming, models
from limbeck.models.pull.render.modules import clashes
from limbeck.models.pull.render.naming import Choices
from limbeck.models.pull.render.plain import plain
from limbeck.models.pull.render.relations import Relation, relations
from limbeck.models.pull.render.serials import serials
from limbeck.models.pull.render.split import early, late_parts
from limbeck.models.pull.render.views import typed
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum


@dataclass(frozen=True, slots=True)
class Sides:
    """Both schemas as named models, and the tables that are new or have changed.

    `unstated` are the calls that pull would write for the working models, but not for the live
    schema: about parts of objects, which have no entity of their own. `serials` are the sequences
    of the models that belong to a serial. `preceding` are the new statements that have to run
    before a statement of the working models. `bereft` are the declarations of what went with a
    column, `former` has the objects that pull would declare beside the tables of the models.
    """

    known: Working
    before: Models
    after: Models
    relations: Mapping[Address, list[Relation]]
    declarations: tuple[Declaration, ...]
    new: frozenset[Address]
    changed: frozenset[Address]
    unstated: frozenset[str]
    serials: frozenset[Address]
    preceding: Mapping[Declaration, str]
    bereft: tuple[Declaration, ...]
    former: frozenset[Address]

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - both schemas, and what their names follow
        cls,
        known: Working,
        before: Catalog,
        live: Catalog,
        taken: frozenset[str] = frozenset(),
        choices: Choices | None = None,
        written: Catalog | None = None,
    ) -> Sides:
        """Name both schemas as the working models do, and the rest as pull would.

        Args:
            known: the working models.
            before: the schema that they create.
            live: the live schema.
            taken: the names that the modules of new classes use.
            choices: the names that the user has chosen.
            written: `before` by the names before the renames, if there are any.

        """
        mapped = {
            address
            for address in known.tables
            if _is_part(before.objects.get(address)) and _is_part(live.objects.get(address))
        }
        # New ones become classes; those that have been written as SQL stay so.
        apart = _apart(before, known)
        old_tables, new_tables = _plain(before, mapped, apart), _plain(live, mapped, apart)
        naming = Naming(
            known.style,
            known.tables,
            {address: enum.spelling for address, enum in known.enums.items()},
            taken=Naming().taken | taken,
            inherited=known.inherited,
            choices=choices or Choices(),
        )
        common = {"convention": known.convention, "implied": known.implied}
        new = _without_clashes(live, new_tables, naming, **common)
        old = models(before, old_tables, naming=naming, **common)
        fresh = frozenset(new_tables.keys() - known.tables.keys())
        both = new_tables.keys() & old_tables.keys()
        changed = {key for key in both if not _same(old_tables[key], new_tables[key])}
        changed |= {key for key in both - changed if _loses_type(key, old, new, changed)}
        beside_ = beside(live, early(live), _plain(live, apart=apart))
        serial, renamed = _of_serials(before, old_tables), written is not None
        implied = serial - _of_serials(live, new_tables)
        chosen = {
            declaration
            for declaration in beside_
            if (
                differs(declaration.address, before, live)
                or declaration.address in implied
                # The options of a serial's sequence follow the type of its column, and SQL still
                # has the names from before the renames.
                or (not declaration.whole and (renamed or declaration.address.kind == "sequence"))
            )
            and (
                declaration.address not in known.tables or beyond(declaration.address, before, live)
            )
        }
        related = relations(new)
        telling = (*chosen, *filter(restated.is_definition, beside_))
        former = restated.former(
            before, telling, live, written or before, _apart(written or before, known)
        )
        stated = restated.stated(before, live, former)
        chosen |= set(restated.reformed(former, beside_, renamed=renamed))
        chosen = {item for item in chosen if item.whole or item.source.text not in stated}
        unstated = stated - {item.source.text for item in beside_}
        unstated -= restated.staying(former, before, live)
        editable = frozenset(changed - fresh)
        lost = restated.bereft(before, live) if former else frozenset()
        first = restated.preceding(chosen, beside_, stated)
        declared = [typed(each, new) for each in beside_ if each in chosen and each not in first]
        return cls(
            known,
            old,
            new,
            related,
            (*declared, *(restated.moved(former, before, live, apart) if renamed else ())),
            fresh,
            editable,
            frozenset(unstated),
            serial,
            first,
            tuple(item for item in former if item.whole and item.address in lost),
            frozenset(before.objects if renamed else (item.address for item in former)),
        )

    def related(self, model: Model) -> Iterator[Relation]:
        """Yield the relationships that a new or changed class gains."""
        editable = self.new | self.changed
        joined = joins(self.before)
        for relation in self.relations.get(model.address, ()):
            if relation.secondary is None and joins_of(relation.origin, self.after) <= joined:
                continue
            if relation.secondary in self.before.tables:
                continue
            yield relation if relation.target in editable else replace(relation, back="")

    def is_declared(self, declaration: Declaration) -> bool:
        """Return whether the working models may declare this object by a call of its own.

        The sequence of a serial is created along with its column.
        """
        address, before = declaration.address, self.before.catalog
        if not declaration.whole or address not in before.objects:
            return False
        if address.kind in {"index", "constraint"} and address not in self.former:
            return False
        return address.kind != "sequence" or address not in self.serials


def _without_clashes(
    catalog: Catalog,
    tables: Mapping[Address, Contents],
    naming: Naming,
    **common: Mapping[str, str],
) -> Models:
    """Return named models in which no attribute hides a name that its class needs."""
    while True:
        named = models(catalog, tables, naming=naming, **common)
        new = {
            at: fresh
            for at, names in clashes(named).items()
            # The attributes that a class has keep their names.
            if (fresh := names - (naming.known[at].names if at in naming.known else frozenset()))
        }
        if not new:
            return named
        both = {at: names | naming.clashes.get(at, frozenset()) for at, names in new.items()}
        naming = replace(naming, clashes={**naming.clashes, **both})


def _of_serials(catalog: Catalog, tables: Mapping[Address, Contents]) -> frozenset[Address]:
    """Return the sequences that SQLAlchemy creates along with their columns."""
    return frozenset(
        sequence.address
        for at, sequence in serials(catalog).items()
        if (table := tables.get(Address("table", at.schema, at.name)))
        and at.part in {table.serial, *table.serials}
    )


def _loses_type(address: Address, old: Models, new: Models, changed: Container[Address]) -> bool:
    """Return whether a column of a table no longer has the type that its foreign key implies."""
    model = new.tables[address]
    return any(
        is_implied(column, old.tables[address], old) and not is_implied(column, model, new)
        for column in model.contents.columns
        for key in model.inline.get(column.name, ())
        if key.reference and key.reference.table in changed
    )


def _plain(
    catalog: Catalog, mapped: Container[Address] = (), apart: Container[Address] = ()
) -> dict[Address, Contents]:
    return plain(contents(catalog, apart), late_parts(catalog, early(catalog)), mapped, apart)


def _apart(catalog: Catalog, known: Working) -> set[Address]:
    """Return the tables that inherit, and the serials, that the models declare beside classes."""
    heirs = {table.address for table in catalog.of(Table) if table.inherits}
    fed = {column for column in serials(catalog) if not _is_own_serial(column, known)}
    return (heirs - set(known.tables)) | fed


def _is_own_serial(column: Address, known: Working) -> bool:
    table = known.tables.get(Address("table", column.schema, column.name))
    return table is not None and column.part in table.serials


def _is_part(item: object) -> bool:
    return isinstance(item, Table) and bool(item.partition_of or item.inherits)


def _same(old: Contents, new: Contents) -> bool:
    # Tables are equal whatever the order of their columns; here it counts.
    return old == new and old.table.columns == new.table.columns


def differs(address: Address, before: Catalog, live: Catalog) -> bool:
    """Return whether an object differs in the live schema."""
    return before.objects.get(address) != live.objects.get(address)


def beyond(address: Address, before: Catalog, live: Catalog) -> bool:
    """Return whether a table differs in what no Table of SQLAlchemy describes."""
    sides = (before.objects.get(address), live.objects.get(address))
    values = [
        (side.row_security, side.force_row_security, side.replica_identity)
        for side in sides
        if isinstance(side, Table)
    ]
    return len(set(values)) > 1


def joins(models: Models) -> frozenset[frozenset[Pair]]:
    """Return the pairs of columns that each foreign key joins."""
    return frozenset(
        _pairs(key) for model in models.tables.values() for key in model.contents.foreign_keys
    )


def joins_of(address: Address, models: Models) -> frozenset[frozenset[Pair]]:
    """Return the pairs of columns that one foreign key joins, as joins() does."""
    key = models.catalog.objects.get(address)
    return frozenset({_pairs(key)}) if isinstance(key, Constraint) else frozenset()


def _pairs(key: Constraint) -> frozenset[Pair]:
    if key.reference is None:
        return frozenset()
    own = Address("table", key.schema, key.table)
    pairs = zip(key.columns, key.reference.columns, strict=True)
    return frozenset(
        frozenset({(own, column), (key.reference.table, referred)}) for column, referred in pairs
    )


def parts(model: Model) -> dict[Address, Constraint | Index]:
    """Return the constraints and indexes of a table."""
    every: list[Constraint | Index] = [*model.contents.constraints, *model.contents.indexes]
    return {part.address: part for part in every}


def changed_enums(before: Catalog, live: Catalog) -> Iterator[tuple[Enum, Enum]]:
    """Yield (old, new) of the enums whose labels differ."""
    for enum in live.of(Enum):
        old = before.objects.get(enum.address)
        if isinstance(old, Enum) and old.labels != enum.labels:
            yield old, enum
