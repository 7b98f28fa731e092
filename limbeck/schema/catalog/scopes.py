"""The part of a database that a session is about: one tenant's schema, or all but the tenants'.

`read` asks its questions about this part only, so that neither what is fetched nor what is built
grows with the other tenants. The objects of a tenant have the schema `public`, in which the shadow
creates them: two tenants that hold the same have equal catalogs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.pipeline import Answers, Query, Questions, Row
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES
from limbeck.schema.sql.own_schemas import of_users
from limbeck.schema.sql.quoting import literal, quote

if TYPE_CHECKING:
    import psycopg

CANONICAL: Final = "public"
"""What the schema of a tenant is called in its catalog."""

# What these questions return is limited by no schema.
_LIMITS: Final = {
    "comments": "(classoid, objoid) {} (SELECT class_, oid FROM own)",
    "defaults": "adrelid {} (SELECT oid FROM own)",
    "inherits": "inhrelid {} (SELECT oid FROM own)",
    "dependencies": "(classid, objid) {} (SELECT class_, oid FROM own)",
}
_OF_RELATIONS: Final = (
    (classes.DEFAULT, "pg_attrdef", "adrelid"),
    (classes.REWRITE, "pg_rewrite", "ev_class"),
    (classes.TRIGGER, "pg_trigger", "tgrelid"),
    (classes.POLICY, "pg_policy", "polrelid"),
)
_OF_SCHEMAS: Final = (
    (classes.RELATION, "pg_class", "relnamespace"),
    (classes.CONSTRAINT, "pg_constraint", "connamespace"),
    (classes.TYPE, "pg_type", "typnamespace"),
    (classes.PROCEDURE, "pg_proc", "pronamespace"),
    (classes.COLLATION, "pg_collation", "collnamespace"),
    (classes.OPERATOR, "pg_operator", "oprnamespace"),
    (classes.STATISTICS, "pg_statistic_ext", "stxnamespace"),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A tenant, or the schemas that do not count."""

    tenant: str | None
    hides: tuple[str, ...]

    def limited(self, questions: Questions) -> dict[str, Query]:
        """Return questions about this part only."""
        return {name: self._limited(name, query) for name, query in questions.items()}

    def _limited(self, name: str, query: Query) -> Query:
        def sql(major: int) -> str:
            text = query if isinstance(query, str) else query(major)
            tables, limit = self._namespace(), _LIMITS.get(name)
            if limit:
                text = f"SELECT * FROM ({text}) AS rows WHERE {limit.format(self._sign)}"
                if self.tenant is None and name == "dependencies":
                    # The triggers of a tenant's foreign key are on the shared table as well.
                    text += " AND (refclassid, refobjid) NOT IN (SELECT class_, oid FROM own)"
                tables += f", own (class_, oid) AS ({_members(self._named)})"
            return f"WITH {tables} {text.replace(SPACES, self._spaces)}"

        return sql

    @property
    def _sign(self) -> str:
        return "NOT IN" if self.tenant is None else "IN"

    @property
    def _named(self) -> str:
        # What is out of line in a tenant's tables has rows in pg_depend as well.
        names = (*self.hides, "pg_toast") if self.tenant is None else (self.tenant,)
        return ", ".join(map(literal, names))

    @property
    def _spaces(self) -> str:
        query = "SELECT oid FROM pg_catalog.pg_namespace WHERE"
        return f"(ARRAY({query} {of_users('nspname')} AND nspname {self._sign} ({self._named})))"

    def _namespace(self) -> str:
        """Return the table that takes the place of pg_namespace in a question."""
        name, where = "nspname", ""
        if self.tenant not in {None, CANONICAL}:
            tenant, canonical = literal(str(self.tenant)), literal(CANONICAL)
            name = f"CASE nspname WHEN {tenant} THEN {canonical}::name ELSE nspname END AS nspname"
            # What a tenant refers to in other schemas has their names; this one is taken.
            where = f" WHERE nspname <> {canonical}"
        return (
            f"pg_namespace AS (SELECT oid, {name}, nspowner, nspacl"
            f" FROM pg_catalog.pg_namespace{where})"
        )

    def translated(self, rows: Answers) -> Answers:
        """Return the answers with the canonical name of the schema."""
        return rows if self.tenant in {None, CANONICAL} else _Translated(rows, str(self.tenant))


def of(connection: psycopg.Connection[Any]) -> Scope | None:
    """Return the part of the database that a session is about; None for all of it."""
    tenant, hides = getattr(connection, "tenant", None), getattr(connection, "hides", ())
    return Scope(tenant, hides) if tenant is not None or hides else None


def _members(names: str) -> str:
    """Return the query for what is in some schemas, as pg_depend and pg_description name it."""
    spaces = f"(ARRAY(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ({names})))"
    inside = [
        f"SELECT {class_}, oid FROM {table} WHERE {column} = ANY {spaces}"
        for class_, table, column in _OF_SCHEMAS
    ]
    relations = f"(SELECT oid FROM pg_class WHERE relnamespace = ANY {spaces})"
    of_relations = [
        f"SELECT {class_}, oid FROM {table} WHERE {column} IN {relations}"
        for class_, table, column in _OF_RELATIONS
    ]
    return " UNION ALL ".join([*inside, *of_relations])


class _Translated(dict[str, Sequence[Row]]):
    """The answers about a tenant, in whose texts its schema has the canonical name."""

    def __init__(self, rows: Answers, tenant: str) -> None:
        super().__init__()
        self._rows = rows
        self._prefix = f"{quote(tenant)}."
        # Not the end of a longer name, nor of one in a third schema.
        self._qualifier = re.compile(rf'(?<![\w$".]){re.escape(self._prefix)}')

    def __missing__(self, name: str) -> Sequence[Row]:
        self[name] = [tuple(map(self._cell, row)) for row in self._rows[name]]
        return self[name]

    def _cell(self, value: Any) -> Any:
        if isinstance(value, str) and self._prefix in value:
            return self._qualifier.sub(f"{CANONICAL}.", value)
        if isinstance(value, list):
            return [self._cell(each) for each in value]
        return value
