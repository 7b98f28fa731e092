"""Quote names and strings for SQL, and read quoted ones: the only place that knows how."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

# pg_get_keywords() of Postgres 18: every keyword that is not unreserved, which is what
# quote_ident() quotes. Those of RESERVED cannot name a column without quotes, the others can.
_RESERVED: Final = """
    all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create current_catalog current_date current_role current_time current_timestamp
    current_user default deferrable desc distinct do else end except false fetch for foreign from
    grant group having in initially intersect into lateral leading limit localtime localtimestamp
    not null offset on only or order placing primary references returning select session_user some
    symmetric system_user table then to trailing true union unique user using variadic when where
    window with
    authorization binary collation concurrently cross current_schema freeze full ilike inner is
    isnull join left like natural notnull outer overlaps right similar tablesample verbose
    """
_COLUMNS: Final = """
    between bigint bit boolean char character coalesce dec decimal exists extract float greatest
    grouping inout int integer interval json json_array json_arrayagg json_exists json_object
    json_objectagg json_query json_scalar json_serialize json_table json_value least merge_action
    national nchar none normalize nullif numeric out overlay position precision real row setof
    smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement
    xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
    """
RESERVED: Final = frozenset(_RESERVED.split())
KEYWORDS: Final = RESERVED | frozenset(_COLUMNS.split())
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")

_ESCAPE: Final = re.compile(
    r"''|\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
)
_CONTROL: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE: Final = re.compile(r"\\(?:\\|\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))")


def quote(name: str) -> str:
    """Return a name as an identifier, in double quotes only where Postgres needs them."""
    return name if _PLAIN.fullmatch(name) and name not in KEYWORDS else in_quotes(name)


def in_quotes(name: str) -> str:
    """Return a name as an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quoted(names: Iterable[str]) -> str:
    """Return names as a list of identifiers, separated by commas."""
    return ", ".join(quote(name) for name in names)


def qualified(schema: str, name: str) -> str:
    """Return the identifiers of a schema and of a name in it; of the name alone without schema."""
    return f"{quote(schema)}.{quote(name)}" if schema else quote(name)


def literal(text: str) -> str:
    """Return a string literal that no setting of standard_conforming_strings changes."""
    body = text.replace("'", "''")
    return "E'" + body.replace("\\", "\\\\") + "'" if "\\" in text else f"'{body}'"


def dollar_quoted(body: str) -> str:
    """Return a string literal between dollar signs, with a tag that cannot end it too early."""
    tag, number = "$$", 0
    # Not only a tag inside the body ends it: "a$" before "$$" would be cut after the "a".
    while f"{body}{tag}".index(tag) < len(body):
        tag, number = f"$body{number or ''}$", number + 1
    return f"{tag}{body}{tag}"


def percent_escaped(sql: str) -> str:
    """Return SQL that may stand beside parameters, for which a driver takes percent signs."""
    return sql.replace("%", "%%")


def split(text: str, sign: str = ".") -> list[str]:
    """Return the pieces of a list or a path of names, cut at a sign outside of double quotes."""
    if '"' not in text:
        return text.split(sign)
    pieces, inside = [""], False
    for letter in text:
        inside ^= letter == '"'
        if letter == sign and not inside:
            pieces.append("")
        else:
            pieces[-1] += letter
    return pieces


def unquote(identifier: str, escape: str = "\\") -> str:
    """Return the name that an identifier stands for, with or without quotes; none is folded.

    `escape` is the sign that UESCAPE gives to one that begins with U&.
    """
    if identifier[:1] == '"' == identifier[-1:]:
        return identifier[1:-1].replace('""', '"')
    if identifier[:3].upper() == 'U&"':
        name = unquote(identifier[2:])
        if escape != "\\":
            name = name.replace("\\", "\\\\").replace(escape * 2, "\0").replace(escape, "\\")
        return _UNICODE.sub(_character, name).replace("\0", escape)
    return identifier


@lru_cache(maxsize=1000)  # a schema has many columns and few types
def names(path: str) -> tuple[str, ...]:
    """Return the names in a qualified name, such as `public."My type"`."""
    return tuple([unquote(piece) for piece in split(path)])


def schema_and_name(path: str) -> tuple[str, str]:
    """Return the schema, "" without one, and the name in a qualified name."""
    parts = names(path)
    return (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])


def content(string: str) -> str:
    """Return the text that a string literal stands for, of any kind but a bit string."""
    if string.startswith("$"):
        tag = string[: string.index("$", 1) + 1]
        return string[len(tag) : -len(tag)]
    prefix, _, rest = string.partition("'")
    body = rest.removesuffix("'")
    if prefix.upper() == "E":
        return _ESCAPE.sub(_escaped, body)
    body = body.replace("''", "'")
    return _UNICODE.sub(_character, body) if prefix.upper() == "U&" else body


def _escaped(match: re.Match[str]) -> str:
    short, long, hexadecimal, octal, letter = match.groups()
    if digits := short or long or hexadecimal:
        return chr(int(digits, 16))
    return chr(int(octal, 8)) if octal else _CONTROL.get(letter, letter) if letter else "'"


def _character(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    return chr(int(digits, 16)) if digits else "\\"
