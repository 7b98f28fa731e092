"""Entity, the base of all objects beside tables, and the events that create and drop them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection

from limbeck.entities.sql import Sql, qualified
from limbeck.schema.sql.quoting import in_quotes, literal

_KEY = "limbeck.entities"
# duplicate_column, _object, _function, _schema, _table (Postgres' manual, appendix A).
_PRESENT = frozenset({"42701", "42710", "42723", "42P06", "42P07"})


class Entity:
    """An object beside tables, declared on a MetaData.

    create_all creates schemas and extensions first, then the objects that tables may need (types,
    sequences, functions), then the tables, then the rest; each group in order of declaration.

    Args:
        name: its name, without a schema.
        metadata: the MetaData that creates it.
        schema: its schema; None for the first one on the search_path.
        comment: the text of COMMENT ON.
        before_tables: whether it is created before the tables; None for the default of its kind.

    """

    kind: str = ""
    usually_before_tables: ClassVar[bool] = False
    last: ClassVar[bool] = False
    # Whether create_all repeats its statements if `exists` has no condition; then they may fail
    # because their effect is there.
    repeats: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        *,
        metadata: sa.MetaData,
        schema: str | None = None,
        comment: str | None = None,
        before_tables: bool | None = None,
    ) -> None:
        self.name = name
        self.schema = schema if schema is not None else metadata.schema
        self.comment = comment
        usual = self.usually_before_tables
        self.before_tables = usual if before_tables is None else before_tables
        _register(self, metadata)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.identity})"

    @property
    def identity(self) -> str:
        """Its name in SQL, after the keyword of its kind."""
        return qualified(self.schema, self.name)

    def create(self, dialect: sa.Dialect) -> str:
        """Return the statement that creates it."""
        raise NotImplementedError

    def drop(self) -> str | None:
        """Return the statement that drops it, None if it needs none."""
        return f"DROP {self.kind} IF EXISTS {self.identity}"

    def exists(self) -> str | None:
        """Return a condition in SQL for its existence; None to create it unconditionally."""
        return None

    def statements(self, dialect: sa.Dialect) -> Iterator[str]:
        """Yield the statements that create it and its comment."""
        yield self.create(dialect)
        if self.comment is not None:
            yield f"COMMENT ON {self.kind} {self.identity} IS {literal(self.comment)}"

    def afterwards(self) -> Iterator[str]:
        """Yield the statements about it that need the tables."""
        return iter(())


class Schema(Entity):
    """A schema without tables or types of the models, or with a comment."""

    kind = "SCHEMA"
    usually_before_tables = True

    @property
    def identity(self) -> str:
        """Its quoted name."""
        return in_quotes(self.name)

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE SCHEMA."""
        del dialect
        return f"CREATE SCHEMA IF NOT EXISTS {self.identity}"

    def drop(self) -> str | None:
        """Return None: the schema may hold other objects."""
        return None


class Extension(Entity):
    """An extension with those that it requires; `schema` is the schema of its members."""

    kind = "EXTENSION"
    usually_before_tables = True

    @property
    def identity(self) -> str:
        """Its quoted name; an extension itself is in no schema."""
        return in_quotes(self.name)

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE EXTENSION."""
        del dialect
        place = f" SCHEMA {in_quotes(self.schema)}" if self.schema else ""
        return f"CREATE EXTENSION IF NOT EXISTS {self.identity}{place} CASCADE"

    def drop(self) -> str | None:
        """Return None: other objects may use it."""
        return None


def entities(metadata: sa.MetaData) -> tuple[Entity, ...]:
    """Return the entities declared on a MetaData, in order of declaration."""
    return tuple(metadata.info.get(_KEY, ()))


def _register(entity: Entity, metadata: sa.MetaData) -> None:
    if _KEY not in metadata.info:
        metadata.info[_KEY] = []
        # Before SQLAlchemy's own listeners: enums and tables may need a schema or a type from here.
        event.listen(metadata, "before_create", _before_create, insert=True)
        event.listen(metadata, "after_create", _after_create)
        event.listen(metadata, "before_drop", _before_drop)
        # Domains and composites need the enums, which SQLAlchemy drops.
        event.listen(metadata, "after_drop", _after_drop, insert=True)
    metadata.info[_KEY].append(entity)


def _before_create(metadata: sa.MetaData, connection: Connection, **given: Any) -> None:
    declared = entities(metadata)
    first = [entity for entity in declared if isinstance(entity, (Schema, Extension))]
    _create_schemas(metadata, connection)
    _create(first, connection, given)
    for type_ in _enums(metadata):
        # Functions and views may need enums. The type's own listener makes the same call later,
        # when the type exists.
        type_._on_metadata_create(metadata, connection, **given)  # noqa: SLF001
    early = [entity for entity in declared if entity.before_tables and entity not in first]
    created = _create(early, connection, given)
    waiting = given["_ddl_runner"].memo.setdefault(_KEY, []) if "_ddl_runner" in given else []
    waiting += created


def _after_create(metadata: sa.MetaData, connection: Connection, **given: Any) -> None:
    late = [entity for entity in entities(metadata) if not entity.before_tables]
    early = given["_ddl_runner"].memo.get(_KEY, []) if "_ddl_runner" in given else []
    _create(sorted(late, key=lambda entity: entity.last), connection, given)
    # Some tables are entities, and created only now.
    for statement in (text for entity in early for text in entity.afterwards()):
        connection.execute(Sql(statement))


def _enums(metadata: sa.MetaData) -> list[sa.Enum]:
    named = {None, *_schemas(metadata)}
    enums = [enum for name in named for enum in metadata.get_schema_objects(sa.Enum, schema=name)]
    return sorted(enums, key=lambda enum: (enum.schema or "", enum.name or ""))


def _schemas(metadata: sa.MetaData) -> set[str]:
    named = {table.schema for table in metadata.tables.values()}
    for entity in entities(metadata):
        named.add(entity.name if isinstance(entity, Schema) else entity.schema)
    return {name for name in named if name}


def _before_drop(metadata: sa.MetaData, connection: Connection, **given: Any) -> None:
    del given
    late = [entity for entity in entities(metadata) if not entity.before_tables]
    _drop(sorted(late, key=lambda entity: entity.last), connection)


def _after_drop(metadata: sa.MetaData, connection: Connection, **given: Any) -> None:
    del given
    _drop([entity for entity in entities(metadata) if entity.before_tables], connection)


def _create_schemas(metadata: sa.MetaData, connection: Connection) -> None:
    wanted = _schemas(metadata)
    if wanted and isinstance(connection, Connection):
        # CREATE SCHEMA IF NOT EXISTS needs the privilege even if the schema exists.
        wanted -= set(connection.scalars(sa.text("SELECT nspname FROM pg_catalog.pg_namespace")))
    for name in sorted(wanted):
        connection.execute(Sql(f"CREATE SCHEMA IF NOT EXISTS {in_quotes(name)}"))


def _create(
    declared: Iterable[Entity], connection: Connection, given: dict[str, Any]
) -> list[Entity]:
    wanted = list(declared)
    if given.get("checkfirst") and isinstance(connection, Connection):
        wanted = _missing(wanted, connection)
    if not wanted:
        return []
    # The body of a function may refer to objects that are created later.
    connection.execute(Sql("SET check_function_bodies = off"))
    looks = bool(given.get("checkfirst")) and isinstance(connection, Connection)
    for entity in wanted:
        repeated = looks and entity.repeats and entity.exists() is None
        for statement in entity.statements(connection.dialect):
            if repeated:
                _repeat(connection, statement)
            else:
                connection.execute(Sql(statement))
    connection.execute(Sql("RESET check_function_bodies"))
    return wanted


def _repeat(connection: Connection, statement: str) -> None:
    """Execute a statement, unless it fails because its effect is there from an earlier time."""
    # Without a transaction, a failure needs no savepoint, and SAVEPOINT would be an error.
    alone = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    try:
        with nullcontext() if alone else connection.begin_nested():
            connection.execute(Sql(statement))
    except sa.exc.DBAPIError as error:
        if not _is_present(error.orig):
            raise


def _is_present(error: Any) -> bool:
    # Some kinds of objects have no check of their own, but only the unique index of their catalog.
    of_catalog = getattr(getattr(error, "diag", None), "schema_name", None) == "pg_catalog"
    code = getattr(error, "sqlstate", None)
    return code in _PRESENT or (code == "23505" and of_catalog)


def _missing(declared: list[Entity], connection: Connection) -> list[Entity]:
    asked = [condition for entity in declared if (condition := entity.exists())]
    if not asked:
        return declared
    query = f"SELECT ARRAY[{', '.join(f'({condition})' for condition in asked)}]"
    answers = iter(connection.execute(Sql(query)).scalar_one())
    return [entity for entity in declared if not (entity.exists() and next(answers))]


def _drop(declared: Iterable[Entity], connection: Connection) -> None:
    for entity in reversed(list(declared)):
        if statement := entity.drop():
            connection.execute(Sql(statement))
