"""Which tables become classes, and what everything in them is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from limbeck.models.pull.options import Style
from limbeck.models.pull.render import names
from limbeck.models.pull.render.contents import Contents, inline
from limbeck.models.pull.render.conventions import name as spelled_name
from limbeck.models.pull.render.enums import PythonEnum, python_enums
from limbeck.models.pull.render.reserved import RESERVED, of_sqlmodel
from limbeck.models.pull.render.roles import roles
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.types import Enum


@dataclass(frozen=True, slots=True)
class Model:
    """A table as Python has it: a mapped class, or a plain Table where it has no key.

    `attributes` maps columns to their attributes; `module` is the file's name without ".py";
    `known` says that it is there already, with `names` in its class. `special` are the columns
    of which more is to be said than their type, whether they may be NULL, their default, and
    their `roles` in keys and indexes; `inline` are the constraints that can be said at their only
    column, by that.
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
    """Everything that is rendered: the tables and the enums, by address.

    `convention` names constraints and indexes, and gives those in `nameless` just their names;
    `implied` has the type that an annotation alone gives; `shared` are the names of constraints,
    by schema, that more than one table has; `style` is that of the classes, and `reserved` what
    no attribute of them may be called. `declarations` has those that were made, of columns that
    are alike.
    """

    catalog: Catalog
    tables: Mapping[Address, Model]
    enums: Mapping[Address, PythonEnum]
    convention: Mapping[str, str]
    nameless: frozenset[Address]
    implied: Mapping[str, str]
    shared: frozenset[tuple[str, str]]
    style: Style = "declarative"
    reserved: frozenset[str] = RESERVED
    declarations: dict[tuple[object, ...], Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """A table of models that are there already; `name` is its class or variable.

    `attributes` are those of columns, `names` all that the class has; `decorated` are columns
    whose type is the project's own.
    """

    name: str
    mapped: bool
    module: str
    attributes: Mapping[str, str]
    names: frozenset[str] = frozenset()
    decorated: frozenset[str] = frozenset()


def models(  # noqa: PLR0913 - what is known already has three sides
    catalog: Catalog,
    tables: Mapping[Address, Contents],
    *,
    convention: Mapping[str, str],
    implied: Mapping[str, str],
    known: Mapping[Address, Known] = MappingProxyType({}),
    known_enums: Container[Address] = (),
    style: Style = "declarative",
) -> Models:
    """Name what is to be rendered; what is known already keeps its names.

    Raises:
        ConfigurationError: the style is sqlmodel, which is not installed.

    """
    reserved = RESERVED | (of_sqlmodel() if style == "sqlmodel" else frozenset())
    taken: set[str] = {*reserved, *(found.name for found in known.values())}
    new_enums = (enum for enum in catalog.of(Enum) if enum.address not in known_enums)
    enums = python_enums(list(new_enums), taken)
    named: dict[Address, Model] = {}
    files: set[str] = {"base", "enums", "entities", *(found.module for found in known.values())}
    associations = {address for address, found in tables.items() if is_association(found, tables)}
    for address, found in sorted(tables.items(), key=lambda pair: _public_first(pair[0])):
        if address in known:
            own = known[address]
            named[address] = Model(
                found,
                own.name,
                own.mapped,
                own.module,
                own.attributes,
                known=True,
                names=own.names,
            )
            continue
        mapped = found.primary_key is not None and address not in associations
        name = _name(found, taken, mapped=mapped)
        module = names.unique(_module(found, mapped=mapped), files)
        taken.add(name)
        files.add(module)
        named[address] = Model(found, name, mapped, module, {})
    forbidden = taken | {name for enum in enums.values() for name in (enum.name, enum.variable)}
    nameless = frozenset(_nameless(tables.values(), convention))
    complete = {
        address: Model(
            model.contents,
            model.name,
            model.mapped,
            model.module,
            dict(_attributes(model, forbidden, style)),
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
        style,
        reserved,
    )


def _special(found: Contents) -> Iterator[str]:
    for constraint in found.foreign_keys:
        yield from constraint.columns
    yield from (one.name for one in found.columns if one.identity or one.generated)


def _inline(found: Contents) -> dict[str, list[Constraint]]:
    at: dict[str, list[Constraint]] = {}
    for constraint in filter(inline, found.constraints):
        at.setdefault(constraint.columns[0], []).append(constraint)
    return at


def _nameless(tables: Iterable[Contents], convention: Mapping[str, str]) -> Iterator[Address]:
    for found in tables:
        parts: Iterable[Constraint | Index] = (*found.constraints, *found.indexes)
        yield from (one.address for one in parts if spelled_name(one, convention) == "")


def is_association(found: Contents, tables: Mapping[Address, Contents]) -> bool:
    """Say whether a table does nothing but relate the rows of two others."""
    keys = found.foreign_keys
    expected = 2
    if len(keys) != expected or any(key.reference is None for key in keys):
        return False
    columns = [column for key in keys for column in key.columns]
    targets = {key.reference.table for key in keys if key.reference}
    everything = sorted(columns) == sorted(column.name for column in found.columns)
    plain = not (found.filled or any(column.default for column in found.columns))
    return (
        everything
        and plain
        and len(targets) == expected
        and found.table.address not in targets
        and all(target in tables and tables[target].primary_key for target in targets)
        and not _is_referred_to(found.table.address, tables.values())
        and (found.primary_key is None or sorted(found.primary_key.columns) == sorted(columns))
    )


def _is_referred_to(address: Address, tables: Iterable[Contents]) -> bool:
    keys: Iterator[Constraint] = (key for table in tables for key in table.foreign_keys)
    return any(key.reference is not None and key.reference.table == address for key in keys)


def _public_first(address: Address) -> tuple[bool, Address]:
    return (address.schema != "public", address)


def _name(found: Contents, taken: set[str], *, mapped: bool) -> str:
    table = found.table
    if not mapped:
        return names.unique(names.variable(f"{table.name}_table"), taken)
    plain = names.class_name(table.name)
    if plain in taken or names.clashes_with_builtin(plain):
        plain = names.class_name(f"{table.schema}_{table.name}")
    return names.unique(plain, taken)


def _module(found: Contents, *, mapped: bool) -> str:
    name = names.many(found.table.name) if mapped else names.variable(found.table.name)
    return (
        name if found.table.schema == "public" else f"{names.variable(found.table.schema)}_{name}"
    )


def _attributes(model: Model, forbidden: set[str], style: Style) -> Iterator[tuple[str, str]]:
    yield from model.attributes.items()
    known = model.attributes
    taken = {*model.names, *known.values()}
    for column in model.contents.columns:
        if column.name in known:
            continue
        plain = names.attribute(column.name)
        if style == "sqlmodel":
            plain = names.safe(plain.lstrip("_") or "unnamed")  # _name is private to pydantic
        attribute = names.unique(plain, taken, forbidden)
        taken.add(attribute)
        yield column.name, attribute


def _shared(catalog: Catalog) -> Iterator[tuple[str, str]]:
    # Postgres names a NOT NULL so that no other table of the schema has a constraint of its name.
    names_ = Counter((one.schema, one.name) for one in catalog.every(Constraint))
    names_.update(
        (column.schema, column.not_null.name)
        for column in catalog.every(Column)
        if column.not_null and column.not_null.name
    )
    return (name for name, count in names_.items() if count > 1)
