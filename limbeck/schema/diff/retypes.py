"""Changes of types that somebody has to decide: Postgres has no cast, or a setting decides.

`generate` asks about them (`generate.casting`), and `columns` says so in the revision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.types import Composite, Domain, Enum, Range
from limbeck.schema.diff import casts
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import quote, schema_and_name

Lookup = Callable[[Address], object]
"""Returns what is at an address, or None."""
UTC: Final = "'UTC'"
_SORTS: Final = {Enum: "enum", Composite: "composite", Range: "range"}
_KINDS: Final = ("domain", "enum", "composite", "range")
_FORMAT: Final = "'YYYY-MM-DD'"
_MOMENT: Final = "'YYYY-MM-DD HH24:MI:SS.US'"
_DATE, _TIMESTAMP, _TIMESTAMPTZ = casts.TIMES
# What most mean by a change of these types; {0} is the column, {1} the new type.
_USUAL: Final = {
    **{("interval", number): "extract(epoch FROM {0})::{1}" for number in casts.NUMBERS},
    **{(number, "interval"): "make_interval(secs => {0})" for number in casts.NUMBERS},
    **{(number, _TIMESTAMPTZ): "to_timestamp({0})" for number in casts.NUMBERS},
    **{(number, _TIMESTAMP): "to_timestamp({0}) AT TIME ZONE 'UTC'" for number in casts.NUMBERS},
    **{(_TIMESTAMPTZ, number): "extract(epoch FROM {0})::{1}" for number in casts.NUMBERS},
    **{(_TIMESTAMP, number): "extract(epoch FROM {0})::{1}" for number in casts.NUMBERS},
    **{(text, _DATE): f"to_date({{0}}, {_FORMAT})" for text in casts.TEXTS},
    **{(text, _TIMESTAMP): f"to_timestamp({{0}}, {_MOMENT})::timestamp" for text in casts.TEXTS},
    **{
        (text, _TIMESTAMPTZ): f"to_timestamp({{0}}, {_MOMENT})::timestamp AT TIME ZONE {UTC}"
        for text in casts.TEXTS
    },
    **{(_DATE, text): f"to_char({{0}}, {_FORMAT})" for text in casts.TEXTS},
    **{(_TIMESTAMP, text): f"to_char({{0}}, {_MOMENT})" for text in casts.TEXTS},
    **{
        (_TIMESTAMPTZ, text): f"to_char({{0}} AT TIME ZONE {UTC}, {_MOMENT})"
        for text in casts.TEXTS
    },
    **{("bytea", text): "encode({0}, 'hex')" for text in casts.TEXTS},
}
# How a zone makes a conversion explicit; {0} is the column, {1} the zone.
_BY_ZONE: Final = {
    (_TIMESTAMP, _TIMESTAMPTZ): "{0} AT TIME ZONE {1}",
    (_DATE, _TIMESTAMPTZ): "{0}::timestamp AT TIME ZONE {1}",
    (_TIMESTAMPTZ, _TIMESTAMP): "{0} AT TIME ZONE {1}",
    (_TIMESTAMPTZ, _DATE): "({0} AT TIME ZONE {1})::date",
    (_TIMESTAMPTZ, casts.HOURS[0]): "({0} AT TIME ZONE {1})::time",
}


@dataclass(frozen=True, slots=True)
class Cast:
    """A change of a column's type that needs a decision.

    Attributes:
        before: The column before the change, under the name that it has then.
        after: The column after it.
        settings: The settings of the session that decide about the values; empty where Postgres
            has no cast at all.
        usual: The expression that most mean; None where there is none.
        plain: The conversion that is written without a decision.

    """

    before: Column
    after: Column
    settings: tuple[str, ...]
    usual: str | None
    plain: str

    @property
    def name(self) -> str:
        """The qualified name of the column."""
        return f"{of(self.after.address)}.{quote(self.after.name)}"

    def __str__(self) -> str:
        types = f"from {self.before.type} to {self.after.type}"
        if self.settings:
            return f"{self.name} {types} depends on the session's {' and '.join(self.settings)}"
        return f"{self.name} {types}: Postgres has no such cast"


def undecided(before: Catalog, after: Catalog) -> Iterator[Cast]:
    """Yield the changes of types that need a decision, by address.

    Args:
        before: The catalog before the change, after all renames.
        after: The catalog after it.

    """
    for now in after.of(Column):
        was = before.objects.get(now.address)
        if (
            isinstance(was, Column)
            and was.type != now.type
            and not (was.inherited or now.generated)
        ):
            types = sort(was.type, before.objects.get), sort(now.type, after.objects.get)
            missing = casts.undefined(*types)
            settings = () if missing else casts.settings(*types)
            if settings or missing:
                yield Cast(was, now, settings, _usual(now.name, types), _plain(was, now))


def sort(type_: str, lookup: Lookup) -> str:
    """Return the base type of a domain, through all domains, and the kind of a user's own type."""
    name = type_.removesuffix("[]")
    array = type_.removeprefix(name)
    while "." in name:
        place = schema_and_name(name)
        item = next((i for kind in _KINDS if (i := lookup(Address(kind, *place)))), None)
        if not isinstance(item, Domain):
            return _SORTS.get(type(item), name) + array
        name = item.type
    return name + array


def inverse(old: str, new: str, types: tuple[str, str], expression: str) -> str | None:
    """Return the conversion back by the same time zone; None where the expression names none.

    Args:
        old: The name of the column before the change.
        new: Its name after it.
        types: The base types before and after.
        expression: The expression that converts the values.

    """
    pair = casts.base(types[0]), casts.base(types[1])
    there, back = _BY_ZONE.get(pair), _BY_ZONE.get(pair[::-1])
    for zone in (text for kind, text, _ in tokens(expression) if kind == "string"):
        if there and back and _same(there.format(quote(new), zone), expression):
            return back.format(quote(old), zone)
    return None


def _same(left: str, right: str) -> bool:
    signs = ([text for _, text, _ in tokens(text) if text not in "()"] for text in (left, right))
    return [text.lower() for text in next(signs)] == [text.lower() for text in next(signs)]


def _usual(column: str, types: tuple[str, str]) -> str | None:
    pair = casts.base(types[0]), casts.base(types[1])
    if pair in _BY_ZONE:
        return _BY_ZONE[pair].format(quote(column), UTC)
    return _USUAL[pair].format(quote(column), types[1]) if pair in _USUAL else None


def _plain(before: Column, after: Column) -> str:
    return casts.conversion(before, after, aside=False)
