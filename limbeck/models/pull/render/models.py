"""Names for all that is rendered: tables as classes or Tables, attributes, enums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from limbeck.dataclass import dataclass
from limbeck.models.pull.options import Style
from limbeck.models.pull.render import names
from limbeck.models.pull.render.associations import is_association
from limbeck.models.pull.render.contents import Contents, inline
from limbeck.models.pull.render.conventions import name as spelled_name
from limbeck.models.pull.render.enums import PythonEnum, Spelling, known_enum, python_enums
from limbeck.models.pull.render.naming import Choices
from limbeck.models.pull.render.reserved import OF_BASES, of_sqlmodel
from limbeck.models.pull.render.roles import roles
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum


@dataclass(frozen=True, slots=True)
class Model:
    """A table in Python: a mapped class, or a plain Table without a primary key.

    `attributes` maps columns to their attributes; `module` is the file's name without ".py".
    `known` tells that the working models have it, with `names` in its class. `special` are the
    columns with foreign keys, identities or expressions, `roles` the arguments of columns that
    follow from keys and indexes, `inline` the constraints declared at their only column.
    """

    contents: Contents
    name: str
    mapped: bool
    module: str
    attributes: Mapping[str, str]
    known: bool = False
    names: frozenset[str] = frozenset()
    special: frozenset[str] = frozenset()
    inline: Mapping[str, Sequence[Constraint]] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def address(self) -> Address:
        """The table's address."""
        return self.contents.table.address


@dataclass(frozen=True, slots=True)
class Models:
    """All that is rendered: the tables and the enums, by address.

    `convention` names constraints and indexes; those in `nameless` have just these names.
    `implied` has the type that an annotation alone implies; `shared` are (schema, name) of
    constraints on more than one table; `naming` has the choices that the names follow, and
    `together` all names of classes and variables if one module holds them. `declarations` caches
    those of equal columns.
    """

    catalog: Catalog
    tables: Mapping[Address, Model]
    enums: Mapping[Address, PythonEnum]
    convention: Mapping[str, str]
    nameless: frozenset[Address]
    implied: Mapping[str, str]
    shared: frozenset[tuple[str, str]]
    naming: Naming
    together: frozenset[str] = frozenset()
    declarations: dict[tuple[object, ...], Source] = field(default_factory=dict)

    @property
    def style(self) -> Style:
        """The style of the classes."""
        return self.naming.style


@dataclass(frozen=True, slots=True)
class Known:
    """A table of the working models; `name` is its class or variable.

    `attributes` are those of columns, `names` all that the class has; `decorated` are the
    columns with a TypeDecorator, `serials` those with a Serial.
    """

    name: str
    mapped: bool
    module: str
    attributes: Mapping[str, str]
    names: frozenset[str] = frozenset()
    decorated: frozenset[str] = frozenset()
    serials: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Naming:
    """What names have to respect.

    `known` are the tables of the working models, `taken` the names at the top of their modules
    and `inherited` the attributes of their base. `clashes` are names, by table, that the body of
    its class needs for something else. `together` tells that one module holds all classes.
    """

    style: Style = "declarative"
    known: Mapping[Address, Known] = field(default_factory=dict)
    known_enums: Mapping[Address, Spelling] = field(default_factory=dict)
    taken: frozenset[str] = frozenset({"Base", "Mapped"})
    inherited: frozenset[str] = OF_BASES
    clashes: Mapping[Address, frozenset[str]] = field(default_factory=dict)
    together: bool = False
    choices: Choices = field(default_factory=Choices)

    def forbidden(self, table: Address) -> frozenset[str]:
        """Return the names that no attribute of a table's class may have."""
        return self.inherited | self.clashes.get(table, frozenset())


def models(
    catalog: Catalog,
    tables: Mapping[Address, Contents],
    *,
    convention: Mapping[str, str],
    implied: Mapping[str, str],
    naming: Naming | None = None,
) -> Models:
    """Name the tables and enums of a schema; those of working models keep their names.

    Args:
        catalog: the schema.
        tables: the tables that SQLAlchemy can describe.
        convention: names constraints and indexes.
        implied: the type that each annotation alone implies.
        naming: what the names have to respect.

    Raises:
        ConfigurationError: the style is sqlmodel, which is not installed.

    """
    naming = naming or Naming()
    if naming.style == "sqlmodel":
        naming = replace(naming, inherited=naming.inherited | of_sqlmodel())
    known = naming.known
    taken: set[str] = {*naming.taken, *(table.name for table in known.values())}
    named: dict[Address, Model] = {}
    files: set[str] = {"base", "enums", "entities", *(table.module for table in known.values())}
    associations = {
        address for address, contents in tables.items() if is_association(contents, tables)
    }
    for address, contents in sorted(tables.items(), key=lambda pair: _public_first(pair[0])):
        if address in known:
            own = known[address]
            named[address] = Model(
                contents,
                own.name,
                own.mapped,
                own.module,
                own.attributes,
                known=True,
                names=own.names,
            )
            continue
        mapped = contents.primary_key is not None and address not in associations
        chosen = naming.choices.top(address.schema, address.name)
        name = chosen or _name(contents, taken, mapped=mapped)
        module = names.unique(_module(contents, mapped=mapped), files)
        taken.add(name)
        files.add(module)
        named[address] = Model(contents, name, mapped, module, {})
    enums = _enums(catalog, naming, taken)
    nameless = frozenset(_nameless(tables.values(), convention))
    complete = {
        address: Model(
            model.contents,
            model.name,
            model.mapped,
            model.module,
            dict(_attributes(model, naming)),
            model.known,
            model.names,
            frozenset(_special(model.contents)),
            _inline(model.contents),
            roles(model.contents, nameless),
        )
        for address, model in named.items()
    }
    return Models(
        catalog,
        complete,
        enums,
        convention,
        nameless,
        implied,
        frozenset(_shared(catalog)),
        naming,
        frozenset(taken - naming.taken) if naming.together else frozenset(),
    )


def _enums(catalog: Catalog, naming: Naming, taken: set[str]) -> dict[Address, PythonEnum]:
    known = naming.known_enums
    new = [enum for enum in catalog.of(Enum) if enum.address not in known]
    old = {
        enum.address: known_enum(enum, known[enum.address])
        for enum in catalog.of(Enum)
        if enum.address in known
    }
    return {**python_enums(new, taken, naming.choices), **old}


def _special(contents: Contents) -> Iterator[str]:
    for constraint in contents.foreign_keys:
        yield from constraint.columns
    yield from (column.name for column in contents.columns if column.identity or column.generated)


def _inline(contents: Contents) -> dict[str, list[Constraint]]:
    at: dict[str, list[Constraint]] = {}
    for constraint in filter(inline, contents.constraints):
        at.setdefault(constraint.columns[0], []).append(constraint)
    return at


def _nameless(tables: Iterable[Contents], convention: Mapping[str, str]) -> Iterator[Address]:
    for contents in tables:
        parts: Iterable[Constraint | Index] = (*contents.constraints, *contents.indexes)
        yield from (part.address for part in parts if spelled_name(part, convention) == "")


def _public_first(address: Address) -> tuple[bool, Address]:
    return (address.schema != "public", address)


def _name(contents: Contents, taken: set[str], *, mapped: bool) -> str:
    table = contents.table
    if not mapped:
        return names.unique(names.variable(f"{table.name}_table"), taken)
    return next(name for name in _candidates(table) if name not in taken)


def _candidates(table: Table) -> Iterator[str]:
    """Yield names for the class of a table: the best first, without an end."""
    yield (plain := names.class_name(table.name))
    if table.schema != "public":
        yield names.class_name(f"{table.schema}_{table.name}")
    # Beside "order_item", the rows of "order_items".
    yield names.capitalized(table.name)
    yield f"{plain}Row"
    yield from (f"{plain}Row{number}" for number in range(2, 10_000))


def _module(contents: Contents, *, mapped: bool) -> str:
    name = names.rows_name(contents.table.name) if mapped else names.variable(contents.table.name)
    return (
        name
        if contents.table.schema == "public"
        else f"{names.variable(contents.table.schema)}_{name}"
    )


def _attributes(model: Model, naming: Naming) -> Iterator[tuple[str, str]]:
    yield from model.attributes.items()
    known = model.attributes
    chosen_ = (naming.choices.attribute(model.address, at.name) for at in model.contents.columns)
    taken = {*model.names, *known.values(), *filter(None, chosen_)}
    forbidden = naming.forbidden(model.address)
    for column in model.contents.columns:
        if column.name in known:
            continue
        plain = names.attribute(column.name)
        if naming.style == "sqlmodel":
            plain = names.safe(plain.lstrip("_") or "unnamed")  # _name is private to pydantic
        chosen = naming.choices.attribute(model.address, column.name)
        attribute = chosen or names.unique(plain, taken, forbidden)
        taken.add(attribute)
        yield column.name, attribute


def _shared(catalog: Catalog) -> Iterator[tuple[str, str]]:
    # Postgres chooses a name for NOT NULL that no other constraint of the schema has.
    names_ = Counter(
        (constraint.schema, constraint.name) for constraint in catalog.every(Constraint)
    )
    names_.update(
        (column.schema, column.not_null.name)
        for column in catalog.every(Column)
        # That of a child has the name of its parent's, which is there before it.
        if column.not_null and column.not_null.name and not column.not_null.inherited
    )
    return (name for name, count in names_.items() if count > 1)
