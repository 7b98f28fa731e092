"""The imported working models: their base, naming convention, tables, enums, relationships."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import MappedAsDataclass, Mapper

from limbeck.dataclass import dataclass
from limbeck.entities.types import Serial
from limbeck.errors import ModelsError
from limbeck.models.pull.options import Style
from limbeck.models.pull.render.annotations import implied_by
from limbeck.models.pull.render.enums import BY_VALUE, Spelling
from limbeck.models.pull.render.models import Known
from limbeck.models.pull.render.reserved import OF_BASES
from limbeck.models.source.text import SQLALCHEMY, Source, call, literal
from limbeck.schema.catalog.objects.address import Address

# How limbeck spells these types in an annotation.
_WRITTEN = {"datetime": "dt.datetime", "date": "dt.date", "time": "dt.time"}
_WRITTEN |= {"timedelta": "dt.timedelta"}

Place: TypeAlias = tuple[Address, str]
Pair: TypeAlias = frozenset[Place]


@dataclass(frozen=True, slots=True)
class Link:
    """A relationship of a mapped class; `pairs` are the columns that it joins by."""

    owner: Address
    target: Address
    name: str
    pairs: frozenset[Pair]
    secondary: Address | None


@dataclass(frozen=True, slots=True)
class KnownEnum:
    """An enum type; `class_` is (name, module) of its class in Python, if it has one."""

    class_: tuple[str, str] | None
    by_value: bool
    spelling: Spelling


@dataclass(frozen=True, slots=True)
class Working:
    """The models of a project; `base` is (module, name) of the declarative base.

    `inherited` are the attributes of the base, which all classes have.
    """

    base: tuple[str, str]
    style: Style
    convention: Mapping[str, str]
    implied: Mapping[str, str]
    tables: Mapping[Address, Known]
    enums: Mapping[Address, KnownEnum]
    links: tuple[Link, ...]
    inherited: frozenset[str] = OF_BASES


def working(metadata: sa.MetaData, package: str) -> Working:
    """Describe the models on a MetaData.

    Args:
        metadata: of the imported models.
        package: the dotted name of their package (or module).

    Raises:
        ModelsError: no declarative base has this MetaData, or its mappers cannot be configured.

    """
    base = _base(metadata)
    convention = metadata.naming_convention or {}
    try:
        _registry(base).configure()
    except Exception as error:
        raise ModelsError(f"the working models cannot be configured: {error}") from error
    style = _style(base)
    return Working(
        (within(base.__module__, package), base.__name__),
        style,
        # A key or a value may also be a class or a function, for which there is no text.
        {
            key: value
            for key, value in convention.items()
            if isinstance(key, str) and isinstance(value, str)
        },
        _implied(base, style),
        {_address(table): _known(table, base, package) for table in metadata.tables.values()},
        dict(_enums(metadata, base, package)),
        tuple(link for mapper in _registry(base).mappers for link in _links(mapper)),
        OF_BASES.union(name for name in dir(base) if not name.startswith("__")),
    )


def _base(metadata: sa.MetaData) -> Any:
    """Return the declarative base: the first class with this MetaData and a registry."""
    for module in list(sys.modules.values()):
        # None stands for a module that must not be imported, and has no names.
        for value in list(getattr(module, "__dict__", {}).values()):
            if not isinstance(value, type):
                continue
            for base in reversed(value.__mro__):
                if vars(base).get("metadata") is metadata and _registry(base) is not None:
                    return base
    raise ModelsError(
        "the MetaData of the models belongs to no declarative base",
        hint="Declare one in the same module, for the classes of new tables; your Tables stay as "
        "they are:\n  class Base(DeclarativeBase):\n      metadata = metadata\n"
        "Or write new models elsewhere: limbeck pull --out FOLDER.",
    )


def _registry(base: Any) -> Any:
    return getattr(base, "registry", None) or getattr(base, "_sa_registry", None)


def _style(base: type) -> Style:
    if issubclass(base, MappedAsDataclass):
        return "dataclass"
    modules = {class_.__module__.partition(".")[0] for class_ in base.__mro__}
    return "sqlmodel" if "sqlmodel" in modules else "declarative"


def _implied(base: Any, style: Style) -> dict[str, str]:
    implied = implied_by(style)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for python, type_ in _registry(base).type_annotation_map.items():
        name = getattr(python, "__name__", "")
        written = _WRITTEN.get(name, name)
        if written in implied:
            spelled = sa.types.to_instance(type_).compile(dialect).lower()
            implied[written] = {"varchar": "character varying"}.get(spelled, spelled)
    return implied


def _known(table: sa.Table, base: Any, package: str) -> Known:
    decorated = frozenset(column.name for column in table.columns if _has_own_type(column.type))
    serials = frozenset(each.name for each in table.columns if isinstance(each.type, Serial))
    mappers = (mapper for mapper in _registry(base).mappers if mapper.local_table is table)
    mapper = next(mappers, None)
    if mapper is None:
        module, name = _variable(table, package)
        keys = {column.name: column.key for column in table.columns}
        return Known(name, False, module, keys, decorated=decorated, serials=serials)  # noqa: FBT003
    class_ = mapper.class_
    module = within(class_.__module__, package)
    names = frozenset(name for name in dir(class_) if not name.startswith("__"))
    attributes = dict(_attributes(mapper))
    return Known(class_.__name__, True, module, attributes, names, decorated, serials)  # noqa: FBT003


def _has_own_type(type_: object) -> bool:
    """Return whether a type has a meaning in Python that the database does not tell."""
    plain = isinstance(type_, sa.Enum) and not type_.native_enum
    return plain or isinstance(type_, sa.types.TypeDecorator)


def _attributes(mapper: Mapper[Any]) -> Iterator[tuple[str, str]]:
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if isinstance(column, sa.Column):
            yield column.name, attribute.key


def _links(mapper: Mapper[Any]) -> Iterator[Link]:
    for relationship in mapper.relationships:
        owner, target = mapper.local_table, relationship.mapper.local_table
        if not (isinstance(owner, sa.Table) and isinstance(target, sa.Table)):
            continue
        if relationship.parent is not mapper:
            continue  # inherited: the class that declares it has it, too
        pairs = ({_place(own), _place(far)} for own, far in relationship.local_remote_pairs)
        secondary = relationship.secondary
        yield Link(
            _address(owner),
            _address(target),
            relationship.key,
            frozenset(frozenset(pair) for pair in pairs),
            _address(secondary) if isinstance(secondary, sa.Table) else None,
        )


def _place(column: Any) -> Place:
    table = getattr(column, "table", None)
    if isinstance(table, sa.Table):
        return _address(table), column.name
    return Address("table", "", ""), str(column)


def _variable(table: sa.Table, package: str) -> tuple[str, str]:
    places = _named(package, lambda value: value is table)
    name, module = next(places, (table.name, ""))
    return module, name


def within(module: str, package: str) -> str:
    """Return a module's name inside the package: "" for the package itself, ":name" elsewhere."""
    if module == package:
        return ""
    inside = module.removeprefix(f"{package}.")
    return f":{module}" if inside == module else inside


def _address(table: sa.Table) -> Address:
    return Address("table", table.schema or "public", table.name)


def _enums(metadata: sa.MetaData, base: Any, package: str) -> Iterator[tuple[Address, KnownEnum]]:
    schemas = {None, metadata.schema, *(table.schema for table in metadata.tables.values())}
    for schema in schemas:
        for enum in metadata.get_schema_objects(sa.Enum, schema=schema):
            class_ = enum.enum_class
            place = (class_.__name__, within(class_.__module__, package)) if class_ else None
            by_value = class_ is None or list(enum.enums) == [
                str(member.value) for member in class_
            ]
            address = Address("enum", enum.schema or "public", enum.name or "")
            spelling = _spelling(enum, base, package)
            yield address, KnownEnum(place, by_value, spelling)


def _spelling(enum: sa.Enum, base: Any, package: str) -> Spelling:
    """Return how new columns spell an enum: as the existing source does, if it has a name there."""
    annotation, python = _annotation(enum, base, package)
    variable = next(
        _named(package, lambda value: isinstance(value, sa.Enum) and _is_same(value, enum)), None
    )
    if variable:
        type_ = _imported(*variable)
    else:
        class_ = enum.enum_class
        given = [annotation.text] if class_ else [literal(label) for label in enum.enums]
        given += list(_callable(enum)) if class_ else []
        given.append(f"name={literal(enum.name or '')}")
        given += [f"schema={literal(enum.schema)}"] if enum.schema else []
        type_ = call("sa.Enum", given, SQLALCHEMY, *annotation.imports)
    resolved = _registry(base)._resolve_type(python) if python is not None else None  # noqa: SLF001 - nothing public tells
    return Spelling(annotation, type_, isinstance(resolved, sa.Enum) and _is_same(resolved, enum))


def _callable(enum: sa.Enum) -> Iterator[str]:
    """Yield the argument by which the members of an enum's class give its labels, if any does."""
    members, labels = list(enum.enum_class or ()), list(enum.enums)
    if [member.name for member in members] == labels:
        return
    if [str(member.value) for member in members] == labels:
        yield BY_VALUE
        return
    for method in ("lower", "upper"):
        if [getattr(member.name, method)() for member in members] == labels:
            yield BY_VALUE.replace("label.value", f"label.name.{method}()")
            return


def _annotation(enum: sa.Enum, base: Any, package: str) -> tuple[Source, Any]:
    """Return the annotation of an enum's values and its meaning; that of labels alone is str."""
    class_ = enum.enum_class
    if class_ is not None:
        return _imported(class_.__name__, within(class_.__module__, package)), class_
    for python, type_ in _registry(base).type_annotation_map.items():
        if isinstance(type_, sa.Enum) and _is_same(type_, enum):
            alias = next(_named(package, partial(operator.is_, python)), None)
            if alias:
                return _imported(*alias), python
    return Source("str"), None


def _is_same(left: sa.Enum, right: sa.Enum) -> bool:
    return (left.name, left.schema, left.enums) == (right.name, right.schema, right.enums)


def _imported(name: str, module: str) -> Source:
    return Source(name, frozenset({f"own:{module}:{name}"}))


def _named(package: str, wanted: Callable[[Any], bool]) -> Iterator[tuple[str, str]]:
    """Yield (name, module) of the values at the top of the package's modules that are wanted."""
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            for variable, value in list(vars(module).items()):
                if wanted(value):
                    yield variable, within(name, package)
