"""Relations other than ordinary tables: views, sequences, partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from limbeck.entities.entity import Entity
from limbeck.entities.sql import TableLike, place, qualified, regclass
from limbeck.schema.sql.quoting import in_quotes, literal

if TYPE_CHECKING:
    from sqlalchemy.sql.base import ReadOnlyColumnCollection


class _Relation(Entity):
    def exists(self) -> str | None:
        """Return the condition that a relation of this name exists."""
        return f"{regclass(self.schema, self.name)} IS NOT NULL"


class View(_Relation):
    """A view.

    Args:
        name: its name.
        query: a select() or its SQL.
        metadata: the MetaData that creates it.
        options: those of WITH (...), such as {"security_invoker": "true"}.
        comments: comments on its columns, by name.
        columns: the types of its columns, by name, for queries; those of a select() are known.
        more: schema, comment, before_tables: as for any Entity.

    """

    kind = "VIEW"

    def __init__(
        self,
        name: str,
        query: sa.Select[Any] | sa.CompoundSelect[Any] | str,
        *,
        metadata: sa.MetaData,
        options: Mapping[str, str] | None = None,
        comments: Mapping[str, str] | None = None,
        columns: Mapping[str, sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]]
        | None = None,
        **more: Any,
    ) -> None:
        self.query = query
        self.options = dict(options or {})
        self.comments = dict(comments or {})
        self.columns = dict(columns or {})
        super().__init__(name, metadata=metadata, **more)

    @property
    def table(self) -> sa.TableClause:
        """The view for use in a query; its columns are those of `columns` or of a select()."""
        columns = [sa.column(name, type_) for name, type_ in self.columns.items()]
        if not (columns or isinstance(self.query, str)):
            selected = self.query.selected_columns
            columns = [sa.column(column.key or "", column.type) for column in selected]
        return sa.table(self.name, *columns, schema=self.schema)

    @cached_property
    def rows(self) -> sa.Subquery:
        """The rows of the view, for queries alone: no INSERT, UPDATE or DELETE takes them."""
        return sa.select(self.table).subquery(self.name)

    @property
    def c(self) -> ReadOnlyColumnCollection[str, Any]:
        """The columns of its rows: select(active_users).where(active_users.c.email == email)."""
        return self.rows.c

    def __clause_element__(self) -> Any:
        """Return its rows, so that a query takes the view itself."""
        return self.rows

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE VIEW."""
        return " ".join([f"CREATE {self.kind} {self.identity}", *self._words(dialect)])

    def statements(self, dialect: sa.Dialect) -> Iterator[str]:
        """Yield the statements that create it and all comments."""
        yield from super().statements(dialect)
        for column, comment in self.comments.items():
            yield f"COMMENT ON COLUMN {self.identity}.{in_quotes(column)} IS {literal(comment)}"

    def _words(self, dialect: sa.Dialect) -> Iterator[str]:
        if self.options:
            yield f"WITH ({', '.join(f'{key}={value}' for key, value in self.options.items())})"
        yield f"AS {self._text(dialect)}"

    def _text(self, dialect: sa.Dialect) -> str:
        if isinstance(self.query, str):
            return self.query.strip().removesuffix(";")
        compiled = self.query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        # Compiled for a driver, which turns %% into %; Sql is executed without that.
        doubled = getattr(compiled.preparer, "_double_percents", False)
        return str(compiled).replace("%%", "%") if doubled else str(compiled)


class MaterializedView(View):
    """A materialized view; with_data=False leaves it empty until it is refreshed."""

    kind = "MATERIALIZED VIEW"

    def __init__(self, *given: Any, with_data: bool = True, **more: Any) -> None:
        self.with_data = with_data
        super().__init__(*given, **more)

    def _words(self, dialect: sa.Dialect) -> Iterator[str]:
        yield from super()._words(dialect)
        if not self.with_data:
            yield "WITH NO DATA"


class Sequence(_Relation):
    """A sequence that no serial or identity column creates.

    Args:
        name: its name.
        parameters: options of CREATE SEQUENCE, such as "AS integer", "CYCLE".
        metadata: the MetaData that creates it.
        owned_by: (table, column) with which it is dropped; the table may be "schema.name".
        default: whether its next value is the default of that column, as with serial.
        unlogged: whether it is reset after a crash.
        more: schema, comment, before_tables: as for any Entity.

    """

    kind = "SEQUENCE"
    usually_before_tables = True

    def __init__(
        self,
        name: str,
        *parameters: str,
        metadata: sa.MetaData,
        owned_by: tuple[str, str] | None = None,
        default: bool = False,
        unlogged: bool = False,
        **more: Any,
    ) -> None:
        self.parameters = parameters
        self.owned_by = owned_by
        self.default = default
        self.unlogged = unlogged
        super().__init__(name, metadata=metadata, **more)

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE SEQUENCE."""
        del dialect
        word = "UNLOGGED SEQUENCE" if self.unlogged else "SEQUENCE"
        return " ".join([f"CREATE {word} {self.identity}", *self.parameters])

    def drop(self) -> str | None:
        """Return DROP SEQUENCE IF EXISTS: an owned one was dropped with its column."""
        return f"DROP SEQUENCE IF EXISTS {self.identity}"

    def afterwards(self) -> Iterator[str]:
        """Yield ALTER SEQUENCE ... OWNED BY, and the default of the column."""
        if self.owned_by:
            schema, name = place(self.owned_by[0])
            table, column = qualified(schema or self.schema, name), in_quotes(self.owned_by[1])
            yield f"ALTER SEQUENCE {self.identity} OWNED BY {table}.{column}"
            if self.default:
                value = f"nextval({literal(self.identity)}::regclass)"
                yield f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {value}"


class Partition(_Relation):
    """A partition of a partitioned table, with the same columns.

    Args:
        name: its name.
        of: the partitioned table: "payments" or "shop.payments".
        bound: its rows: "FOR VALUES FROM (1) TO (10)", "FOR VALUES IN ('a')", "DEFAULT".
        metadata: the MetaData that creates it.
        partition_by: its own partition key, such as "LIST (country)".
        more: schema, comment, before_tables: as for any Entity.

    """

    kind = "TABLE"

    def __init__(
        self,
        name: str,
        of: TableLike,
        bound: str,
        *,
        metadata: sa.MetaData,
        partition_by: str | None = None,
        **more: Any,
    ) -> None:
        self.of = place(of)
        self.bound = bound
        self.partition_by = partition_by
        super().__init__(name, metadata=metadata, **more)

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE TABLE ... PARTITION OF."""
        del dialect
        end = f" PARTITION BY {self.partition_by}" if self.partition_by else ""
        return f"CREATE TABLE {self.identity} PARTITION OF {qualified(*self.of)} {self.bound}{end}"
