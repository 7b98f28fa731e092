"""The working models, as they are when they have been imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, DeclarativeBaseNoMeta, Mapper

from limbeck.catalog.objects import Address
from limbeck.errors import ModelsError
from limbeck.pull.annotations import IMPLIED
from limbeck.pull.models import Known

# What limbeck writes for these types in an annotation.
_WRITTEN = {"datetime": "dt.datetime", "date": "dt.date", "time": "dt.time"}
_WRITTEN |= {"timedelta": "dt.timedelta"}


@dataclass(frozen=True, slots=True)
class Working:
    """The models of a project: where the base is, its conventions, and every table."""

    base: tuple[str, str]
    convention: Mapping[str, str]
    implied: Mapping[str, str]
    tables: Mapping[Address, Known]
    enums: frozenset[Address]


def working(metadata: sa.MetaData, package: str) -> Working:
    """Return what is known of the models on a MetaData.

    Args:
        metadata: of the imported models.
        package: the dotted name of the package (or module) that they are in.

    Raises:
        ModelsError: no declarative base has this MetaData.

    """
    base = _base(metadata)
    given = metadata.naming_convention or {}
    convention = {key: value for key, value in given.items() if isinstance(value, str)}
    return Working(
        (_within(base.__module__, package), base.__name__),
        {key: value for key, value in convention.items() if isinstance(key, str)},
        _implied(base),
        {_address(table): _known(table, base, package) for table in metadata.tables.values()},
        frozenset(_enums(metadata)),
    )


def _base(metadata: sa.MetaData) -> Any:
    roots: tuple[Any, ...] = (DeclarativeBase, DeclarativeBaseNoMeta)
    for base in (found for root in roots for found in root.__subclasses__()):
        if getattr(base, "metadata", None) is metadata:
            return base
    raise ModelsError(
        "the models' MetaData is that of no declarative base",
        hint="Write the pulled models to a place of their own: limbeck pull --out FOLDER.",
    )


def _implied(base: Any) -> dict[str, str]:
    implied = dict(IMPLIED)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for python, type_ in base.registry.type_annotation_map.items():
        name = getattr(python, "__name__", "")
        written = _WRITTEN.get(name, name)
        if written in implied:
            spelled = sa.types.to_instance(type_).compile(dialect).lower()
            implied[written] = {"varchar": "character varying"}.get(spelled, spelled)
    return implied


def _known(table: sa.Table, base: Any, package: str) -> Known:
    mapper = next((one for one in base.registry.mappers if one.local_table is table), None)
    if mapper is None:
        module, name = _variable(table, package)
        return Known(name, False, module, {column.name: column.key for column in table.columns})  # noqa: FBT003
    class_ = mapper.class_
    module = _within(class_.__module__, package)
    return Known(class_.__name__, True, module, dict(_attributes(mapper)))  # noqa: FBT003


def _attributes(mapper: Mapper[Any]) -> Iterator[tuple[str, str]]:
    for attribute in mapper.column_attrs:
        yield attribute.columns[0].name, attribute.key


def _variable(table: sa.Table, package: str) -> tuple[str, str]:
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            for variable, value in vars(module).items():
                if value is table:
                    return _within(name, package), variable
    return "", table.name


def _within(module: str, package: str) -> str:
    """Return a module's name inside the package; "" for the package itself."""
    return module.removeprefix(package).removeprefix(".")


def _address(table: sa.Table) -> Address:
    return Address("table", table.schema or "public", table.name)


def _enums(metadata: sa.MetaData) -> Iterator[Address]:
    schemas = {None, metadata.schema, *(table.schema for table in metadata.tables.values())}
    for schema in schemas:
        for enum in metadata.get_schema_objects(sa.Enum, schema=schema):
            yield Address("enum", enum.schema or "public", enum.name or "")
