"""Python types for columns: the annotations in Mapped[...]."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from limbeck.models.pull.options import Style
from limbeck.models.pull.render.packaged import packaged
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.sql.quoting import names

_POSTGRESQL = "sqlalchemy.dialects.postgresql"
_ANY = Source("Any", frozenset({"from typing import Any"}))
_DECIMAL = Source("Decimal", frozenset({"from decimal import Decimal"}))
_UUID = Source("UUID", frozenset({"from uuid import UUID"}))


def _time(name: str) -> Source:
    return Source(f"dt.{name}", frozenset({"import datetime as dt"}))


def _ranges(name: str, bound: Source) -> dict[str, Source]:
    return {
        f"{name}{kind.lower()}": Source(
            f"{kind}[{bound.text}]",
            bound.imports | {f"from {module} import {kind}"},
        )
        for kind, module in (("Range", _POSTGRESQL), ("MultiRange", f"{_POSTGRESQL}.ranges"))
    }


_PYTHON: dict[str, Source] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "oid"), Source("int")),
    **dict.fromkeys(("real", "double precision"), Source("float")),
    **dict.fromkeys(
        ("text", "character varying", "character", "public.citext", "name", '"char"', "xml"),
        Source("str"),
    ),
    **dict.fromkeys(("tsvector", "tsquery", "public.ltree", "money"), Source("str")),
    **dict.fromkeys(("macaddr", "macaddr8", "bit", "bit varying"), Source("str")),
    # psycopg has no adapter for these: values arrive as Postgres writes them.
    **dict.fromkeys(("point", "line", "lseg", "box", "path", "polygon", "circle"), Source("str")),
    **dict.fromkeys(("jsonpath", "pg_lsn", "regclass", "regconfig", "regproc"), Source("str")),
    **dict.fromkeys(("inet", "cidr", "json", "jsonb"), _ANY),
    "boolean": Source("bool"),
    "numeric": _DECIMAL,
    "uuid": _UUID,
    "bytea": Source("bytes"),
    "date": _time("date"),
    "time without time zone": _time("time"),
    "time with time zone": _time("time"),
    "timestamp without time zone": _time("datetime"),
    "timestamp with time zone": _time("datetime"),
    "interval": _time("timedelta"),
    "public.hstore": Source("dict[str, str | None]"),
    **_ranges("int4", Source("int")),
    **_ranges("int8", Source("int")),
    **_ranges("num", _DECIMAL),
    **_ranges("date", _time("date")),
    **_ranges("ts", _time("datetime")),
    **_ranges("tstz", _time("datetime")),
}
# The type that SQLAlchemy derives from an annotation alone.
IMPLIED: Mapping[str, str] = MappingProxyType(
    {
        "int": "integer",
        "bool": "boolean",
        "str": "character varying",
        "bytes": "bytea",
        "float": "double precision",
        "Decimal": "numeric",
        "UUID": "uuid",
        "dt.date": "date",
        "dt.time": "time without time zone",
        "dt.datetime": "timestamp without time zone",
        "dt.timedelta": "interval",
    }
)
_DATETIME = "dt.datetime"
# Types that an annotation implies instead, if most columns have them.
_ALTERNATIVES = {
    "str": ("text", "sa.Text"),
    "dt.datetime": ("timestamp with time zone", "sa.DateTime(timezone=True)"),
}
_MODIFIER = re.compile(r"\(.*?\)")
_FIELDS = re.compile(r"interval .*")


def python(type_: str, catalog: Catalog) -> Source:
    """Return the annotation of a value that is not NULL; Any where no better one is known."""
    if type_.endswith("[]"):
        item = python(element(type_.removesuffix("[]"), catalog), catalog)
        return Source(f"list[{item.text}]", item.imports)
    bare = _bare(type_)
    if bare in _PYTHON:
        return _PYTHON[bare]
    if own := packaged(type_):
        return own[1]
    parts = names(bare)
    domain = catalog.objects.get(Address("domain", *parts)) if len(parts) == 2 else None  # noqa: PLR2004 - schema and name
    if isinstance(domain, Domain):
        return python(domain.type, catalog)
    # A composite, a range, a type of an extension or a rare one: psycopg has no adapter for it.
    return Source("str")


def element(type_: str, catalog: Catalog) -> str:
    """Return the type as which the elements of an array are read.

    Drivers know the arrays of Postgres' own types. Others are cast: those of domains to arrays of
    their base type, if it is Postgres' own, and all others to arrays of text.
    """
    if len(names(_bare(type_))) == 1 and not type_.endswith("multirange"):
        return type_
    base = based(type_, catalog)
    return base if base != type_ and len(names(_bare(base))) == 1 and "[" not in base else "text"


def based(type_: str, catalog: Catalog) -> str:
    """Return the type under a domain, and under the domains below it."""
    parts = names(_bare(type_)) if not type_.endswith("[]") else []
    domain = catalog.objects.get(Address("domain", *parts)) if len(parts) == 2 else None  # noqa: PLR2004 - schema and name
    return based(domain.type, catalog) if isinstance(domain, Domain) else type_


@lru_cache(maxsize=1000)  # a schema has many columns and few types
def _bare(type_: str) -> str:
    return _FIELDS.sub("interval", _MODIFIER.sub("", type_))


def implied_by(style: Style) -> dict[str, str]:
    """Return the types that annotations alone imply in a style, by the annotation."""
    # The type of a datetime depends on the version of SQLModel.
    return {key: type_ for key, type_ in IMPLIED.items() if style != "sqlmodel" or key != _DATETIME}


def preferred(types: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return (type, its source) for annotations that should imply another type than usual."""
    count = Counter(types)
    return {
        annotation: other
        for annotation, other in _ALTERNATIVES.items()
        if count[other[0]] > count[IMPLIED[annotation]]
    }
