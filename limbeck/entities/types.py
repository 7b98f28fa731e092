"""Types of columns that SQLAlchemy lacks, and types that a schema defines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, FetchedValue, Integer, Text, cast, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import SchemaEventTarget
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from limbeck.entities.entity import Entity
from limbeck.schema.sql.quoting import in_quotes, literal

if TYPE_CHECKING:
    import sqlalchemy as sa


class Type(UserDefinedType[Any]):
    """A column type by its name in SQL, such as Type("ltree") or Type("public.vector(3)").

    Values are passed to and from the driver unchanged.
    """

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """Return the name as in CREATE TABLE."""
        return self.name


class Serial(SchemaEventTarget, Integer):
    """A number that a sequence of its own gives to a column, as SERIAL does.

    SQLAlchemy itself makes a serial of one column only, and that in the primary key.

    Args:
        of: the type of the numbers: "smallint", "integer" or "bigint".

    """

    def __init__(self, of: str = "integer") -> None:
        self.of = of

    def _set_parent(self, parent: Any, **_: Any) -> None:
        event.listen(parent, "after_parent_attach", _fill)


def _fill(column: Column[Any], _: Any) -> None:
    """Tell SQLAlchemy that the server fills a column which an INSERT omits."""
    if column.server_default is None:
        FetchedValue()._set_parent(column)  # noqa: SLF001 - what Column does with its own


_SERIALS = {"smallint": "SMALLSERIAL", "integer": "SERIAL", "bigint": "BIGSERIAL"}


@compiles(Serial)
def _serial(type_: Serial, _: Any, type_expression: object = None, **__: Any) -> str:
    # In a cast there is only a number.
    return _SERIALS[type_.of] if isinstance(type_expression, Column) else type_.of.upper()


class TypeLike(TypeDecorator[Any]):
    """A column type by its name in SQL, with the values of another type.

    TypeLike("public.citext[]", ARRAY(Text())) is read as a list of strings, while drivers return
    the text of an array whose element type they do not know. Queries cast in both directions.

    Args:
        name: as in CREATE TABLE.
        like: the type whose values it has; Postgres must be able to cast between both.

    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok = True

    def __init__(self, name: str, like: TypeEngine[Any]) -> None:
        super().__init__()
        self.name = name
        self.like = self.impl = like

    def column_expression(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the column as its values are read."""
        return cast(column, self.like)

    def bind_expression(self, bindvalue: sa.BindParameter[Any]) -> sa.ColumnElement[Any]:
        """Return a value as the column takes it."""
        return cast(bindvalue, self)


@compiles(TypeLike)
def _type_like(type_: TypeLike, compiler: Any, **_: Any) -> str:
    del compiler
    return type_.name


class _TypeEntity(Entity):
    kind = "TYPE"
    usually_before_tables = True

    @property
    def type(self) -> Type:
        """The type for columns."""
        return Type(self.identity)

    def exists(self) -> str | None:
        """Return the condition that a type of this name exists."""
        return f"pg_catalog.to_regtype({literal(self.identity)}) IS NOT NULL"


class Domain(_TypeEntity):
    """A domain.

    Args:
        name: its name.
        type: its base type, as SQL.
        metadata: the MetaData that creates it.
        checks: conditions on VALUE, by the names of their constraints.
        default: an expression, as SQL.
        not_null: whether NULL is refused.
        collation: as SQL; None for that of the base type.
        options: schema, comment, before_tables: as for any Entity.

    """

    kind = "DOMAIN"

    def __init__(
        self,
        name: str,
        type: str,  # noqa: A002 - the word for it
        *,
        metadata: sa.MetaData,
        checks: Mapping[str, str] | None = None,
        default: str | None = None,
        not_null: bool = False,
        collation: str | None = None,
        **options: Any,
    ) -> None:
        self.base = type
        self.checks = dict(checks or {})
        self.default = default
        self.not_null = not_null
        self.collation = collation
        super().__init__(name, metadata=metadata, **options)

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE DOMAIN."""
        del dialect
        words = [f"CREATE DOMAIN {self.identity} AS {self.base}"]
        words += [f"COLLATE {self.collation}"] if self.collation else []
        words += [f"DEFAULT {self.default}"] if self.default is not None else []
        words += ["NOT NULL"] if self.not_null else []
        words += [
            f"CONSTRAINT {in_quotes(name)} CHECK ({condition})"
            for name, condition in self.checks.items()
        ]
        return " ".join(words)


class Composite(_TypeEntity):
    """A composite type.

    Args:
        name: its name.
        attributes: the types of its fields as SQL, by name.
        metadata: the MetaData that creates it.
        options: schema, comment, before_tables: as for any Entity.

    """

    def __init__(
        self, name: str, attributes: Mapping[str, str], *, metadata: sa.MetaData, **options: Any
    ) -> None:
        self.attributes = dict(attributes)
        super().__init__(name, metadata=metadata, **options)

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE TYPE ... AS."""
        del dialect
        fields = ", ".join(f"{in_quotes(name)} {type_}" for name, type_ in self.attributes.items())
        return f"CREATE TYPE {self.identity} AS ({fields})"


class Range(_TypeEntity):
    """A range type.

    Args:
        name: its name.
        subtype: the type of its bounds, as SQL.
        metadata: the MetaData that creates it.
        parameters: of CREATE TYPE ... AS RANGE, as SQL: "subtype_diff", "multirange_type_name" ...
        options: schema, comment, before_tables: as for any Entity.

    """

    def __init__(
        self,
        name: str,
        subtype: str,
        *,
        metadata: sa.MetaData,
        parameters: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.parameters = {"subtype": subtype, **(parameters or {})}
        super().__init__(name, metadata=metadata, **options)

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE TYPE ... AS RANGE."""
        del dialect
        given = ", ".join(f"{name} = {value}" for name, value in self.parameters.items())
        return f"CREATE TYPE {self.identity} AS RANGE ({given})"


class Collation(Entity):
    """A collation.

    Args:
        name: its name.
        parameters: of CREATE COLLATION, as SQL, such as {"provider": "icu", "locale": "'de'"}.
        metadata: the MetaData that creates it.
        options: schema, comment, before_tables: as for any Entity.

    """

    kind = "COLLATION"
    usually_before_tables = True

    def __init__(
        self, name: str, parameters: Mapping[str, str], *, metadata: sa.MetaData, **options: Any
    ) -> None:
        self.parameters = dict(parameters)
        super().__init__(name, metadata=metadata, **options)

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE COLLATION."""
        del dialect
        given = ", ".join(f"{name} = {value}" for name, value in self.parameters.items())
        return f"CREATE COLLATION {self.identity} ({given})"

    def exists(self) -> str | None:
        """Return the condition that a collation of this name exists."""
        return f"pg_catalog.to_regcollation({literal(self.identity)}) IS NOT NULL"
