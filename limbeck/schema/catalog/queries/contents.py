"""A hash of all rows of the system catalogs that the other queries read, computed by the server.

The rows, not their places and transactions as in `touched`: a branch that is reset and migrated
again may have other rows at the same places, of transactions with the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.sql import forms

OWN: Final = classes.FIRST_USER_OID
STABLE: Final = (
    "oid, relname, relnamespace, reltype, reloftype, relowner, relam, reltablespace,"
    " reltoastrelid, relhasindex, relpersistence, relkind, relnatts, relchecks, relhasrules,"
    " relhastriggers, relhassubclass, relrowsecurity, relforcerowsecurity, relispopulated,"
    " relreplident, relispartition, relacl, reloptions, relpartbound"
)
"""The columns of pg_class that no VACUUM and no ANALYZE changes."""

ALWAYS: Final[Mapping[str, str]] = {
    "pg_class": "oid",
    "pg_attribute": "attrelid",
    "pg_constraint": "oid",
    "pg_index": "indexrelid",
    "pg_type": "oid",
    "pg_depend": "objid",
    "pg_description": "objoid",
    "pg_namespace": "",
    "pg_extension": "",
    "pg_am": "oid",
    # Of these, nothing in the catalogs above tells that there are any.
    "pg_cast": "oid",
    "pg_foreign_data_wrapper": "",
    "pg_publication": "",
}
"""By system catalog the column of the oid, where rows of initdb are left out."""

OF_KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "inherits": {"pg_inherits": "inhrelid", "pg_partitioned_table": "partrelid"},
    "views": {},
    "defaults": {"pg_attrdef": "oid"},
    "sequences": {"pg_sequence": "seqrelid"},
    "enums": {"pg_enum": "oid"},
    "domains": {},
    "composites": {},
    "ranges": {"pg_range": "rngtypid"},
    "collations": {"pg_collation": "oid"},
    "functions": {"pg_proc": "oid", "pg_language": ""},
    "aggregates": {"pg_aggregate": "aggfnoid"},
    "triggers": {"pg_trigger": "oid"},
    "policies": {"pg_policy": "oid"},
    "rules": {"pg_rewrite": "oid"},
    "statistics": {"pg_statistic_ext": "oid"},
    "operators": {
        "pg_operator": "oid",
        "pg_opclass": "oid",
        "pg_opfamily": "oid",
        "pg_amop": "oid",
        "pg_amproc": "oid",
    },
    "text search": {
        "pg_ts_parser": "oid",
        "pg_ts_template": "oid",
        "pg_ts_dict": "oid",
        "pg_ts_config": "oid",
        "pg_ts_config_map": "mapcfg",
    },
    "foreign": {"pg_foreign_server": "", "pg_foreign_table": ""},
    "conversions": {"pg_conversion": "oid"},
    "publications": {"pg_publication_rel": "", "pg_publication_namespace": ""},
    "event triggers": {"pg_event_trigger": ""},
}
"""What a kind of objects has rows in besides: pg_class, pg_type or pg_depend name its objects."""

_ROLES: Final = "(SELECT sum(hashtextextended(oid || rolname, 0)) FROM pg_roles)"
_OWNERS: Final = """(SELECT current_user::regrole::oid || ' ' || datdba FROM pg_database
  WHERE datname = current_database())"""


def sql(major: int, kinds: Collection[str], *, grants: bool) -> str:
    """Return the query for one row of hashes.

    Args:
        major: the major of the server.
        kinds: the kinds of objects that the database has, by the names in `OF_KINDS`. A first
            object of another kind changes the hashes, too.
        grants: whether privileges count, whose catalogs are read only then.

    """
    return f"SELECT {', '.join(_hashes(major, kinds, grants=grants))}"


def _hashes(major: int, kinds: Collection[str], *, grants: bool) -> Iterator[str]:
    missing = () if forms.PUBLISHED_SCHEMAS.exists(major) else ("pg_publication_namespace",)
    for keys in (ALWAYS, *(OF_KINDS[kind] for kind in OF_KINDS if kind in kinds)):
        yield from (_hash(name, key) for name, key in keys.items() if name not in missing)
    if grants or "policies" in kinds:
        yield _ROLES
    if grants:
        yield _hash("pg_default_acl", "")
        yield _OWNERS


def _hash(catalog: str, key: str) -> str:
    row = f"ROW({STABLE})" if catalog == "pg_class" else "c"
    where = f" WHERE {key} >= {OWN}" if key else ""
    where += f" OR {key} = {classes.PUBLIC}" if catalog == "pg_description" else ""
    return f"(SELECT sum(hashtextextended({row}::text, 0)) FROM {catalog} AS c{where})"
