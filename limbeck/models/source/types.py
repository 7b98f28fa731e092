"""SQLAlchemy's classes for types as Postgres' format_type spells them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from limbeck.models.source.text import (
    POSTGRESQL,
    SQLALCHEMY,
    Argument,
    Source,
    call,
    keyword,
    literal,
)
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.types import Domain, Enum
from limbeck.schema.sql.quoting import names

# format_type's text without modifiers → the class that compiles to exactly that type.
_PLAIN: Mapping[str, str] = {
    "bigint": "sa.BigInteger",
    "boolean": "sa.Boolean",
    "bytea": "sa.LargeBinary",
    "character varying": "sa.String",
    "cidr": "postgresql.CIDR",
    "date": "sa.Date",
    "datemultirange": "postgresql.DATEMULTIRANGE",
    "daterange": "postgresql.DATERANGE",
    "double precision": "sa.Double",
    "inet": "postgresql.INET",
    "int4multirange": "postgresql.INT4MULTIRANGE",
    "int4range": "postgresql.INT4RANGE",
    "int8multirange": "postgresql.INT8MULTIRANGE",
    "int8range": "postgresql.INT8RANGE",
    "integer": "sa.Integer",
    "interval": "sa.Interval",
    "json": "sa.JSON",
    "jsonb": "postgresql.JSONB",
    "jsonpath": "postgresql.JSONPATH",
    "macaddr": "postgresql.MACADDR",
    "macaddr8": "postgresql.MACADDR8",
    "money": "postgresql.MONEY",
    "numeric": "sa.Numeric",
    "nummultirange": "postgresql.NUMMULTIRANGE",
    "numrange": "postgresql.NUMRANGE",
    "oid": "postgresql.OID",
    "public.citext": "postgresql.CITEXT",
    "public.hstore": "postgresql.HSTORE",
    "real": "sa.REAL",
    "regclass": "postgresql.REGCLASS",
    "regconfig": "postgresql.REGCONFIG",
    "smallint": "sa.SmallInteger",
    "text": "sa.Text",
    "tsmultirange": "postgresql.TSMULTIRANGE",
    "tsquery": "postgresql.TSQUERY",
    "tsrange": "postgresql.TSRANGE",
    "tstzmultirange": "postgresql.TSTZMULTIRANGE",
    "tstzrange": "postgresql.TSTZRANGE",
    "tsvector": "postgresql.TSVECTOR",
    "uuid": "sa.Uuid",
}
# The same with modifiers; each group of the pattern fills one placeholder.
_MODIFIED: tuple[tuple[re.Pattern[str], str, tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), function, arguments)
    for pattern, function, arguments in (
        (r"character varying\((\d+)\)", "sa.String", ("length={}",)),
        (r"character\((\d+)\)", "sa.CHAR", ("length={}",)),
        (r"numeric\((\d+),(-?\d+)\)", "sa.Numeric", ("precision={}", "scale={}")),
        (r"bit\((\d+)\)", "postgresql.BIT", ("length={}",)),
        (r"bit varying", "postgresql.BIT", ("varying=True",)),
        (r"bit varying\((\d+)\)", "postgresql.BIT", ("length={}", "varying=True")),
        (r"time without time zone", "sa.Time", ()),
        (r"time with time zone", "sa.Time", ("timezone=True",)),
        (r"time\((\d)\) without time zone", "postgresql.TIME", ("precision={}",)),
        (
            r"time\((\d)\) with time zone",
            "postgresql.TIME",
            ("timezone=True", "precision={}"),
        ),
        (r"timestamp without time zone", "sa.DateTime", ()),
        (r"timestamp with time zone", "sa.DateTime", ("timezone=True",)),
        (r"timestamp\((\d)\) without time zone", "postgresql.TIMESTAMP", ("precision={}",)),
        (
            r"timestamp\((\d)\) with time zone",
            "postgresql.TIMESTAMP",
            ("timezone=True", "precision={}"),
        ),
        (r"interval\((\d)\)", "postgresql.INTERVAL", ("precision={}",)),
        (r"interval ([a-z ]+)", "postgresql.INTERVAL", ('fields="{}"',)),
        (
            r"interval ([a-z ]+)\((\d)\)",
            "postgresql.INTERVAL",
            ('fields="{}"', "precision={}"),
        ),
    )
)
_COLLATED = frozenset({"sa.String", "sa.Text", "sa.CHAR", "postgresql.CITEXT"})

# SQLAlchemy compiles an enum or a domain of one of these names only with its schema. A copy of
# sqlalchemy.dialects.postgresql.base.ischema_names, which takes long to import.
BUILT_IN = frozenset(
    {
        *('"char"', "_array", "bigint", "bit", "bit varying", "boolean", "bytea", "character"),
        *("character varying", "cidr", "citext", "date", "datemultirange", "daterange"),
        *("double precision", "float", "hstore", "inet", "int4multirange", "int4range"),
        *("int8multirange", "int8range", "integer", "interval", "json", "jsonb", "macaddr"),
        *("macaddr8", "money", "name", "numeric", "nummultirange", "numrange", "oid", "real"),
        *("regclass", "regconfig", "smallint", "text", "time", "time with time zone"),
        *("time without time zone", "timestamp", "timestamp with time zone"),
        *("timestamp without time zone", "tsmultirange", "tsquery", "tsrange", "tstzmultirange"),
        *("tstzrange", "tsvector", "uuid"),
    }
)


def type_(
    name: str, catalog: Catalog, *, collation: str | None = None, create_type: bool = False
) -> Source | None:
    """Return the source of a type, or None where SQLAlchemy has no exact one.

    Args:
        name: as format_type spells it, such as "character varying(20)" or "public.mood[]".
        catalog: the catalog with the enums and domains.
        collation: the column's own collation as regcollation spells it, such as `"C"`.
        create_type: whether creating a table creates the enums that it uses.

    """
    if name.endswith("[]"):
        item = type_(name.removesuffix("[]"), catalog, collation=collation, create_type=create_type)
        return call("postgresql.ARRAY", [item], POSTGRESQL) if item else None
    if collation is not None:
        return _collated(name, collation)
    return _built_in(name) or _named(name, catalog, create_type=create_type)


def _built_in(name: str, *more: Argument) -> Source | None:
    if name in _PLAIN:
        return _class(_PLAIN[name], more)
    for pattern, function, arguments in _MODIFIED:
        if match := pattern.fullmatch(name):
            values = iter(match.groups())
            given = [
                argument.format(next(values)) if "{}" in argument else argument
                for argument in arguments
            ]
            return _class(function, (*given, *more))
    return None


def _class(function: str, arguments: tuple[Argument, ...]) -> Source:
    module = SQLALCHEMY if function.startswith("sa.") else POSTGRESQL
    return call(function, arguments, module)


def _collated(name: str, collation: str) -> Source | None:
    # SQLAlchemy takes only the bare name of a collation, which search_path has to find again.
    *schema, bare = names(collation)
    if schema not in ([], ["pg_catalog"], ["public"]):
        return None
    type_ = _built_in(name, keyword("collation", literal(bare)))
    return type_ if type_ and type_.text.partition("(")[0] in _COLLATED else None


def _named(name: str, catalog: Catalog, *, create_type: bool) -> Source | None:
    parts = names(name)
    if len(parts) != 2 or name.endswith(")"):  # noqa: PLR2004 - schema and name
        return None
    schema, bare = parts
    item = catalog.objects.get(Address("enum", schema, bare)) or catalog.objects.get(
        Address("domain", schema, bare)
    )
    if isinstance(item, Enum):
        return _enum(item, create_type=create_type)
    return _domain(item, catalog) if isinstance(item, Domain) else None


def _enum(enum: Enum, *, create_type: bool) -> Source:
    labels = [literal(label) for label in enum.labels]
    options = [*_place(enum.schema, enum.name), *([] if create_type else ["create_type=False"])]
    name = keyword("name", literal(enum.name))
    return call("postgresql.ENUM", [*labels, name, *options], POSTGRESQL)


def _domain(domain: Domain, catalog: Catalog) -> Source | None:
    base = type_(domain.type, catalog)
    if base is None:
        return None
    options = [*_place(domain.schema, domain.name), "create_type=False"]
    return call("postgresql.DOMAIN", [literal(domain.name), base, *options], POSTGRESQL)


def _place(schema: str, name: str) -> list[str]:
    if schema == "public" and name not in BUILT_IN:
        return []
    return [f"schema={literal(schema)}"]
