"""How the values of one type become those of another: USING, and whether values can be lost."""

from __future__ import annotations

import math
import re

from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.sql.quoting import quote

INTEGERS = ("smallint", "integer", "bigint")
NUMBERS = (*INTEGERS, "numeric", "real", "double precision")
TEXTS = ("character", "character varying", "text", "name", '"char"')
TIMES = ("date", "timestamp without time zone", "timestamp with time zone")
HOURS = ("time without time zone", "time with time zone", "interval")
BITS = ("bit", "bit varying")
# Types that cast into each other by assignment. Bit strings do so only of the same length.
FAMILIES = (NUMBERS, TEXTS, TIMES, ("json", "jsonb"), ("inet", "cidr"), BITS)
# Explicit casts between families, and those that cannot be used without one.
DIRECT = {
    ("boolean", "integer"),
    ("integer", "boolean"),
    *((number, "money") for number in ("integer", "bigint", "numeric")),
    ("money", "numeric"),
    *((time, hour) for time in TIMES[1:] for hour in HOURS[:1]),
    ("timestamp with time zone", "time with time zone"),
    (HOURS[0], HOURS[1]),
    (HOURS[1], HOURS[0]),
    (HOURS[0], HOURS[2]),
    (HOURS[2], HOURS[0]),
    *((kind, bits) for kind in INTEGERS[1:] for bits in BITS),
    *((bits, kind) for kind in INTEGERS[1:] for bits in BITS),
}

# The most digits before the point that a whole number has.
DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
# The types that hold all values of a number's type.
WIDER = {
    "smallint": set(NUMBERS[1:]),
    "integer": {"bigint", "numeric", "double precision"},
    "bigint": {"numeric"},
    "real": {"double precision"},
}
# Conversions that drop a part of the value: the time of day, the date, the host bits.
CUT = {
    *((time, shorter) for time in TIMES[1:] for shorter in ("date", *HOURS[:2])),
    *((hour, HOURS[0]) for hour in HOURS[1:]),
    ("inet", "cidr"),
}
# The length or precision of types that are written without one.
LIMITS = {"name": 63, '"char"': 1, "timestamp": 6, "time": 6, "interval": 6}

# The settings that decide how a value is written as text, and how text is read as a value: date.c,
# timestamp.c, cash.c, varlena.c and xml.c in src/backend/utils/adt.
WRITTEN = {
    "date": ("DateStyle",),
    "timestamp without time zone": ("DateStyle",),
    "timestamp with time zone": ("DateStyle", "TimeZone"),
    "interval": ("IntervalStyle",),
    "money": ("lc_monetary",),
    "bytea": ("bytea_output",),
}
READ = {
    "date": ("DateStyle",),
    "timestamp without time zone": ("DateStyle",),
    "timestamp with time zone": ("DateStyle", "TimeZone"),
    "time with time zone": ("TimeZone",),
    "interval": ("IntervalStyle",),
    "money": ("lc_monetary",),
    "xml": ("xmloption",),
}
# Casts between types of which only one has a time zone, or the digits of a currency.
ZONED = {
    *((time, TIMES[2]) for time in TIMES[:2]),
    *((TIMES[2], other) for other in (*TIMES[:2], *HOURS[:2])),
    (HOURS[0], HOURS[1]),
}
RANGES = {
    "tsrange": TIMES[1],
    "tsmultirange": TIMES[1],
    "tstzrange": TIMES[2],
    "tstzmultirange": TIMES[2],
    "daterange": TIMES[0],
    "datemultirange": TIMES[0],
}
# Types of which it is known that Postgres has no other casts than those above.
KNOWN = {
    *NUMBERS,
    *TIMES,
    *HOURS,
    *BITS,
    *RANGES,
    *("int4range", "int8range", "numrange", "int4multirange", "int8multirange", "nummultirange"),
    *("boolean", "money", "uuid", "bytea", "json", "jsonb", "xml", "tsvector", "tsquery", "oid"),
    *("inet", "cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon"),
    *("circle", "enum", "composite", "range"),
}
# Conversions through text that keep the meaning of every value.
THROUGH_TEXT = {
    *((kind, json) for kind in (*NUMBERS, "boolean") for json in ("json", "jsonb")),
    *((kind, "boolean") for kind in INTEGERS),
    *(("boolean", kind) for kind in INTEGERS),
    ("enum", "enum"),
    ("oid", "bigint"),
    ("bigint", "oid"),
    ("integer", "oid"),
}


def base(type_: str) -> str:
    """Return a type without its modifier: "character varying(10)" is "character varying"."""
    return re.sub(r"\([^)]*\)", "", type_).strip()


def _family(type_: str) -> tuple[str, ...] | None:
    return next((family for family in FAMILIES if base(type_) in family), None)


def integers(before: str, after: str) -> bool:
    """Return whether both types are whole numbers."""
    return before in INTEGERS and after in INTEGERS


def assignable(before: str, after: str) -> bool:
    """Return whether ALTER COLUMN ... TYPE needs no USING: the cast is one of assignment."""
    old, new = base(before), base(after)
    if old == new:
        return True
    if new in TEXTS[:3] and not old.endswith("[]"):
        return old in (*TEXTS, *NUMBERS, *TIMES, "uuid", "boolean")
    family = _family(old)
    return family is not None and new in family and family is not BITS


def narrows(before: str, after: str) -> bool:
    """Return whether values may not fit another type, and are truncated, rounded or refused."""
    before, after = before.removesuffix("[]"), after.removesuffix("[]")
    old, new = base(before), base(after)
    if "numeric" in (old, new) and {old, new} <= {*DIGITS, "numeric"}:
        return _digits(before) > _digits(after) or _scale(before) > _scale(after)
    if old in NUMBERS and new in NUMBERS:
        return old != new and new not in WIDER.get(old, ())
    if old == new or (old in TEXTS and new in TEXTS):
        return _limit(before) > _limit(after)
    return (old, new) in CUT


def settings(before: str, after: str) -> tuple[str, ...]:
    """Return the settings of the session that decide about the values after a change of type."""
    old, new = _element(before), _element(after)
    if old == new:
        return ()
    if (old, new) in ZONED:
        return ("TimeZone",)
    if _direct(old, new) and not {old, new} & {*TEXTS, "money"}:
        return ()
    return tuple(sorted({*WRITTEN.get(old, ()), *READ.get(new, ())}))


def undefined(before: str, after: str) -> bool:
    """Return whether Postgres has no cast, and a value read from its text would be a guess.

    A type of a user stands as "enum", "composite" or "range"; of others nothing is known.
    """
    old, new = base(before).removesuffix("[]"), base(after).removesuffix("[]")
    if {old, new} & {*TEXTS} or not {old, new} <= KNOWN or before == after:
        return False
    if before.endswith("[]") != after.endswith("[]"):
        return True
    return old != new and not _direct(old, new) and (old, new) not in THROUGH_TEXT


def fallible(before: str, after: str) -> bool:
    """Return whether a change of type fails on some values."""
    old, new = base(before).removesuffix("[]"), base(after).removesuffix("[]")
    if narrows(before, after) or undefined(before, after):
        return True
    known = (old, new) in THROUGH_TEXT or _direct(before, after)
    return not assignable(before, after) and (old in TEXTS or not known) and new not in TEXTS


def _element(type_: str) -> str:
    """Return the type of the values in an array or a range; any other type without its length."""
    name = base(type_).removesuffix("[]")
    return RANGES.get(name, name)


def _modifiers(type_: str) -> list[int]:
    match = re.search(r"\(([^)]*)\)", type_)
    return [int(number) for number in match[1].split(",")] if match else []


def _digits(type_: str) -> float:
    precision, scale = (*_modifiers(type_), math.inf, 0)[:2]
    return DIGITS.get(type_, precision - scale)


def _scale(type_: str) -> float:
    return 0 if type_ in DIGITS else (*_modifiers(type_), math.inf, math.inf)[1]


def _limit(type_: str) -> float:
    return (*_modifiers(type_), LIMITS.get(type_.split(" ", maxsplit=1)[0], math.inf))[0]


def conversion(before: Column, after: Column, *, aside: bool) -> str:
    """Return the expression of USING that converts a column's value to its new type.

    Where no direct cast is known, the value goes through text, which every type can be read from.
    A cast to `character varying(n)` would truncate silently; without the length, the assignment to
    the column refuses a value that is too long.

    Args:
        before: The column with its old type.
        after: The column with its new type.
        aside: Whether the old type was renamed, and the new one is another type of its name.

    """
    name, type_ = quote(after.name), after.type
    if base(type_).removesuffix("[]") == "character varying":
        type_ = base(type_)
    if not aside and _direct(before.type, type_):
        return f"{name}::{type_}"
    if {base(before.type), base(after.type)} in ({"boolean", "smallint"}, {"boolean", "bigint"}):
        return f"{name}::integer::{type_}"
    text = "text[]" if before.type.endswith("[]") and after.type.endswith("[]") else "text"
    return f"{name}::{text}::{type_}"


def _direct(before: str, after: str) -> bool:
    if before.endswith("[]") and after.endswith("[]"):
        before, after = before[:-2], after[:-2]
    old, new = base(before), base(after)
    if old in TEXTS or new in TEXTS or old == new or (old, new) in DIRECT:
        return True
    family = _family(old)
    return family is not None and new in family
