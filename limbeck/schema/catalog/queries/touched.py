"""Which relations a session has changed: the versions of their rows in the system catalogs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.sql import forms

OWN: Final = classes.FIRST_USER_OID
# Where a relation's rows are, and which column has its oid. The internal triggers of foreign keys
# are left out: no catalog has them.
_OF_RELATIONS: Final = {
    "pg_attrdef": "adrelid",
    "pg_index": "indrelid",
    "pg_inherits": "inhrelid",
    "pg_policy": "polrelid",
    "pg_rewrite": "ev_class",
    "pg_sequence": "seqrelid",
    "pg_partitioned_table": "partrelid",
    "pg_foreign_table": "ftrelid",
    "pg_trigger": "CASE WHEN tgisinternal THEN NULL ELSE tgrelid END",
}
# What belongs to no relation: where one of these has changed, everything is read.
_OF_OTHERS: Final = {
    "pg_proc": "oid",
    "pg_aggregate": "aggfnoid",
    "pg_enum": "oid",
    "pg_range": "rngtypid",
    "pg_namespace": "",
    "pg_extension": "",
    "pg_operator": "oid",
    "pg_opclass": "oid",
    "pg_opfamily": "oid",
    "pg_amop": "oid",
    "pg_amproc": "oid",
    "pg_cast": "oid",
    "pg_conversion": "oid",
    "pg_collation": "oid",
    "pg_ts_parser": "oid",
    "pg_ts_template": "oid",
    "pg_ts_dict": "oid",
    "pg_ts_config": "oid",
    "pg_ts_config_map": "mapcfg",
    "pg_foreign_server": "",
    "pg_foreign_data_wrapper": "",
    "pg_event_trigger": "",
    "pg_publication": "",
    "pg_publication_rel": "",
    "pg_publication_namespace": "",
    "pg_default_acl": "",
    "pg_statistic_ext": "",
}
# A row type and its array follow their relation.
_TYPES: Final = f"""pg_type t LEFT JOIN pg_type item ON item.oid = t.typelem
  WHERE t.oid >= {OWN} AND t.typrelid = 0 AND coalesce(item.typrelid, 0) = 0"""
_ROLES: Final = "hashtextextended(string_agg(oid || rolname, ' ' ORDER BY oid), 0) FROM pg_roles"


# The settings of a TOAST table are those of its table.
_CLASSES: Final = f"""pg_class c LEFT JOIN pg_class o ON o.reltoastrelid = c.oid
  WHERE c.oid >= {OWN}"""
_EDGES: Final = f"""pg_depend d WHERE d.objid >= {OWN}
  AND (d.classid = {classes.RELATION} OR d.deptype IN ('e', 'x'))"""
_COMMENTED: Final = f"""CASE d.classoid WHEN {classes.RELATION} THEN d.objoid
  ELSE coalesce(k.conrelid, 0) END"""
_COMMENTS: Final = f"""pg_description d
  LEFT JOIN pg_constraint k ON d.classoid = {classes.CONSTRAINT} AND k.oid = d.objoid
  WHERE d.objoid >= {OWN} OR d.classoid = {classes.NAMESPACE}"""


def _rows(relation: str, row: str, source: str) -> str:
    """Return the query for the versions of rows: the place and the transaction of each."""
    version = f"hash_record_extended(ROW({row}.tableoid, {row}.xmin, {row}.ctid), 0)"
    return f"SELECT {relation}, {version} FROM {source}"


def sql(major: int) -> str:
    """Return the query for a hash of the rows of each relation, and of 0 for all others."""
    missing = () if forms.PUBLISHED_SCHEMAS.exists(major) else ("pg_publication_namespace",)
    versions = [
        _rows("CASE c.relkind WHEN 'c' THEN 0 ELSE coalesce(o.oid, c.oid) END", "c", _CLASSES),
        _rows("a.attrelid", "a", "pg_attribute a WHERE a.attnum > 0"),
        _rows("k.conrelid", "k", f"pg_constraint k WHERE k.oid >= {OWN}"),
        _rows(f"CASE d.classid WHEN {classes.RELATION} THEN d.objid ELSE 0 END", "d", _EDGES),
        _rows(_COMMENTED, "d", _COMMENTS),
        _rows("0", "t", _TYPES),
        *(_rows(key, name, name) for name, key in _OF_RELATIONS.items()),
        *(
            _rows("0", name, f"{name} WHERE {key} >= {OWN}" if key else name)
            for name, key in _OF_OTHERS.items()
            if name not in missing
        ),
        f"SELECT 0, {_ROLES}",
    ]
    return f"""SELECT relation::bigint, bit_xor(version)
FROM ({" UNION ALL ".join(versions)}) AS rows (relation, version)
WHERE relation = 0 OR relation >= {OWN} GROUP BY relation"""


NAMES: Final = f"""
SELECT c.oid::bigint, n.nspname, c.relname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= {OWN} AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
"""
"""The relations whose names are needed once they are gone."""


def array(oids: Iterable[int]) -> str:
    """Return oids as an array in SQL, for the functions below."""
    return f"'{{{','.join(map(str, sorted(oids)))}}}'::oid[]"


def owners(oids: str) -> str:
    """Return the query for relations, and the sequences they own, with their tables if any."""
    return f"""
SELECT c.oid::bigint, c.relkind::text, n.nspname, c.relname,
  coalesce(i.indrelid, d.refobjid, 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_depend d ON c.relkind = 'S' AND d.classid = {classes.RELATION} AND d.objid = c.oid
  AND d.objsubid = 0 AND d.refclassid = {classes.RELATION} AND d.refobjsubid > 0
  AND d.deptype IN ('a', 'i')
WHERE c.oid = ANY ({oids}) OR c.oid IN (
  SELECT objid FROM pg_depend WHERE classid = {classes.RELATION} AND refclassid = {classes.RELATION}
    AND refobjid = ANY ({oids}) AND deptype IN ('a', 'i'))
"""


def members(oids: str) -> str:
    """Return the query for what belongs to relations, as pg_depend names it."""
    return f"""
SELECT {classes.RELATION}, oid FROM unnest({oids}) AS u (oid)
UNION ALL SELECT {classes.RELATION}, indexrelid FROM pg_index WHERE indrelid = ANY ({oids})
UNION ALL SELECT {classes.CONSTRAINT}, oid FROM pg_constraint WHERE conrelid = ANY ({oids})
UNION ALL SELECT {classes.DEFAULT}, oid FROM pg_attrdef WHERE adrelid = ANY ({oids})
UNION ALL SELECT {classes.REWRITE}, oid FROM pg_rewrite WHERE ev_class = ANY ({oids})
UNION ALL SELECT {classes.TRIGGER}, oid FROM pg_trigger WHERE tgrelid = ANY ({oids})
UNION ALL SELECT {classes.POLICY}, oid FROM pg_policy WHERE polrelid = ANY ({oids})
UNION ALL SELECT {classes.TYPE}, t.oid FROM pg_class c JOIN pg_type t
  ON c.reltype <> 0 AND c.reltype IN (t.oid, t.typelem) WHERE c.oid = ANY ({oids})
"""


_RELATION: Final = f"""CASE {{class_}} WHEN {classes.RELATION} THEN {{oid}}
  WHEN {classes.CONSTRAINT} THEN (SELECT nullif(conrelid, 0) FROM pg_constraint WHERE oid = {{oid}})
  WHEN {classes.DEFAULT} THEN (SELECT adrelid FROM pg_attrdef WHERE oid = {{oid}})
  WHEN {classes.REWRITE} THEN (SELECT ev_class FROM pg_rewrite WHERE oid = {{oid}})
  WHEN {classes.TRIGGER} THEN (SELECT tgrelid FROM pg_trigger WHERE oid = {{oid}})
  WHEN {classes.POLICY} THEN (SELECT polrelid FROM pg_policy WHERE oid = {{oid}})
  WHEN {classes.TYPE} THEN (SELECT nullif(coalesce(nullif(t.typrelid, 0), item.typrelid), 0)
    FROM pg_type t LEFT JOIN pg_type item ON item.oid = t.typelem WHERE t.oid = {{oid}}) END"""


def users(oids: str) -> str:
    """Return the query for the relations that use some; NULL for a user that belongs to none."""
    return f"""
WITH members (class_, oid) AS ({members(oids)})
SELECT DISTINCT ({_RELATION.format(class_="d.classid", oid="d.objid")})::bigint
FROM members m JOIN pg_depend d ON d.refclassid = m.class_ AND d.refobjid = m.oid
WHERE NOT EXISTS (SELECT FROM members o WHERE o.class_ = d.classid AND o.oid = d.objid)
"""


def used(oids: str) -> str:
    """Return the query for the relations that some use: their names are needed to spell those."""
    return f"""
SELECT DISTINCT ({_RELATION.format(class_="d.refclassid", oid="d.refobjid")})::bigint
FROM ({members(oids)}) AS m (class_, oid)
JOIN pg_depend d ON d.classid = m.class_ AND d.objid = m.oid
WHERE d.refobjid >= {OWN}
"""


_KEYS: Final = {
    "columns": "attrelid",
    "tables": "oid",
    "views": "oid",
    "defaults": "adrelid",
    "not nulls": "conrelid",
    "sequences": "oid",
    "indexes": "indrelid",
    "triggers": "tgrelid",
    "policies": "polrelid",
    "rules": "ev_class",
    "grants": "oid",
}


def condition(question: str, oids: str) -> str:
    """Return what limits the rows of a question to relations, and to what they use."""
    if question == "constraints":  # a foreign key is read with the columns that it refers to
        return f"conrelid = ANY ({oids}) AND (contype <> 'f' OR confrelid = ANY ({oids}))"
    if key := _KEYS.get(question):
        return f"{key} = ANY ({oids})"
    if key := {"key settings": "attrelid", "inherits": "inhrelid"}.get(question):
        indexes = f"SELECT indexrelid FROM pg_index WHERE indrelid = ANY ({oids})"
        return f"({key} = ANY ({oids}) OR {key} IN ({indexes}))"
    own = f"SELECT class_, oid FROM ({members(oids)}) AS m (class_, oid)"
    if question == "comments":
        return f"(classoid, objoid) IN ({own})"
    if question == "dependencies":
        types = f"SELECT atttypid FROM pg_attribute WHERE attrelid = ANY ({oids})"
        return (
            f"((classid, objid) IN ({own}) OR deptype = 'e'"
            f" OR (classid = {classes.TYPE} AND objid IN ({types})))"
        )
    return "true"
