"""What one type's values need to become another's."""

from __future__ import annotations

import re

from limbeck.catalog.objects import Column
from limbeck.diff import sql

INTEGERS = ("smallint", "integer", "bigint")
NUMBERS = (*INTEGERS, "numeric", "real", "double precision")
TEXTS = ("character", "character varying", "text", "name", '"char"')
TIMES = ("date", "timestamp without time zone", "timestamp with time zone")
HOURS = ("time without time zone", "time with time zone", "interval")
BITS = ("bit", "bit varying")
FAMILIES = (NUMBERS, TEXTS, TIMES, ("json", "jsonb"), ("inet", "cidr"), BITS)
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


def base(type_: str) -> str:
    """Return a type without its modifier: "character varying(10)" is "character varying"."""
    return re.sub(r"\([^)]*\)", "", type_).strip()


def _family(type_: str) -> tuple[str, ...] | None:
    return next((family for family in FAMILIES if base(type_) in family), None)


def integers(before: str, after: str) -> bool:
    """Tell whether both types are whole numbers."""
    return before in INTEGERS and after in INTEGERS


def assignable(before: str, after: str) -> bool:
    """Tell whether ALTER COLUMN TYPE needs no USING."""
    old, new = base(before), base(after)
    if old == new:
        return True
    if new in TEXTS[:3] and not old.endswith("[]"):
        return old in (*TEXTS, *NUMBERS, *TIMES, "uuid", "boolean")
    family = _family(old)
    return family is not None and new in family and family is not BITS


def conversion(before: Column, after: Column, *, aside: bool) -> str:
    """Spell the expression that turns a column's value into the new type.

    Through text where no direct cast is known: every type can be read from its own text.
    """
    name = sql.quote(after.name)
    if not aside and _direct(before.type, after.type):
        return f"{name}::{after.type}"
    if {base(before.type), base(after.type)} in ({"boolean", "smallint"}, {"boolean", "bigint"}):
        return f"{name}::integer::{after.type}"
    text = "text[]" if before.type.endswith("[]") and after.type.endswith("[]") else "text"
    return f"{name}::{text}::{after.type}"


def _direct(before: str, after: str) -> bool:
    if before.endswith("[]") and after.endswith("[]"):
        before, after = before[:-2], after[:-2]
    old, new = base(before), base(after)
    if old in TEXTS or new in TEXTS or old == new or (old, new) in DIRECT:
        return True
    family = _family(old)
    return family is not None and new in family
