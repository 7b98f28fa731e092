"""Names as Postgres spells them: quoted where they must be, and chosen where nobody chose."""

from __future__ import annotations

import re
from collections.abc import Iterable

from limbeck.schema.catalog.objects.address import Address

# pg_get_keywords() of Postgres 18: every keyword that is not unreserved, which is what
# quote_ident() quotes.
_WORDS = """
    between bigint bit boolean char character coalesce dec decimal exists extract float greatest
    grouping inout int integer interval json json_array json_arrayagg json_exists json_object
    json_objectagg json_query json_scalar json_serialize json_table json_value least merge_action
    national nchar none normalize nullif numeric out overlay position precision real row setof
    smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement
    xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable all analyse
    analyze and any array as asc asymmetric both case cast check collate column constraint create
    current_catalog current_date current_role current_time current_timestamp current_user default
    deferrable desc distinct do else end except false fetch for foreign from grant group having in
    initially intersect into lateral leading limit localtime localtimestamp not null offset on
    only or order placing primary references returning select session_user some symmetric
    system_user table then to trailing true union unique user using variadic when where window
    with authorization binary collation concurrently cross current_schema freeze full ilike inner
    is isnull join left like natural notnull outer overlaps right similar tablesample verbose
    """
KEYWORDS = frozenset(_WORDS.split())
NAME_BYTES = 63
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def quote(name: str) -> str:
    """Spell an identifier, with double quotes only where Postgres needs them."""
    if _PLAIN.fullmatch(name) and name not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def quoted(names: Iterable[str]) -> str:
    """Spell a list of identifiers, parted by commas."""
    return ", ".join(quote(name) for name in names)


def qualified(schema: str, name: str) -> str:
    """Spell a name with its schema; without one where schema is empty."""
    return f"{quote(schema)}.{quote(name)}" if schema else quote(name)


def of(address: Address) -> str:
    """Spell the qualified name of what has a schema and a name."""
    return qualified(address.schema, address.name)


def chosen_name(table: str, column: str, label: str) -> str:
    """Return the name Postgres gives what nobody named, as makeObjectName() does.

    >>> chosen_name("users", "id", "seq")
    'users_id_seq'
    """
    whole = f"{table}_{column}_{label}"
    if column and label and whole.isascii() and len(whole) <= NAME_BYTES:
        return whole
    room = NAME_BYTES - len(label.encode()) - 1 - (1 if column else 0)
    first, second = table.encode(), column.encode()
    while len(first) + len(second) > room:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    parts = (first.decode(errors="ignore"), second.decode(errors="ignore"), label)
    return "_".join(part for part in parts if part)


def unquoted(text: str) -> tuple[str, str]:
    """Take a qualified name that Postgres spelled apart into schema and name."""
    names = [
        whole[1:-1].replace('""', '"') if whole.startswith('"') else whole
        for whole in re.findall(r'"(?:[^"]|"")*"|[^".]+', text)
    ]
    return (names[0], names[1]) if len(names) > 1 else ("", names[0])
