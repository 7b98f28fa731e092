"""Grants on objects and default privileges; read only if `Filters.grants` is set."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES

PUBLIC: Final = "PUBLIC"
BUILT_IN: Final = {
    "function": ("EXECUTE",),
    **dict.fromkeys(("enum", "domain", "composite", "range"), ("USAGE",)),
}
"""The privileges of PUBLIC on a new object without any GRANT: acldefault()."""
OF_TABLES: Final = ("DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE")
"""What GRANT ALL ON TABLE means before Postgres 17; since then it includes MAINTAIN."""


def _listed(acl: str, owner: str) -> str:
    return f"""(SELECT coalesce(json_agg(json_build_array(
      CASE x.grantee WHEN 0 THEN '{PUBLIC}' ELSE pg_get_userbyid(x.grantee) END,
      x.privilege_type, x.is_grantable)), '[]')
    FROM aclexplode({acl}) AS x WHERE x.grantee <> {owner})"""


GRANTS: Final = f"""
SELECT {classes.RELATION}, oid, 0, {_listed("relacl", "relowner")} FROM pg_class
WHERE relacl IS NOT NULL AND relnamespace = ANY {SPACES}
UNION ALL
SELECT {classes.RELATION}, c.oid, a.attnum, {_listed("a.attacl", "c.relowner")}
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND c.relnamespace = ANY {SPACES}
UNION ALL
SELECT {classes.PROCEDURE}, oid, 0, {_listed("proacl", "proowner")} FROM pg_proc
WHERE proacl IS NOT NULL AND pronamespace = ANY {SPACES}
UNION ALL
SELECT {classes.TYPE}, oid, 0, {_listed("typacl", "typowner")} FROM pg_type
WHERE typacl IS NOT NULL AND typnamespace = ANY {SPACES}
UNION ALL
SELECT {classes.NAMESPACE}, oid, 0, {_listed("nspacl", "nspowner")} FROM pg_namespace
WHERE nspacl IS NOT NULL AND oid = ANY {SPACES}
UNION ALL
SELECT {classes.WRAPPER}, oid, 0, {_listed("fdwacl", "fdwowner")} FROM pg_foreign_data_wrapper
WHERE fdwacl IS NOT NULL
UNION ALL
SELECT {classes.SERVER}, oid, 0, {_listed("srvacl", "srvowner")} FROM pg_foreign_server
WHERE srvacl IS NOT NULL
"""

DEFAULT_GRANTS: Final = f"""
SELECT CASE WHEN d.defaclrole NOT IN (current_user::regrole,
    (SELECT datdba FROM pg_database WHERE datname = current_database()))
  THEN pg_get_userbyid(d.defaclrole)::text ELSE '' END,
  d.defaclnamespace, d.defaclobjtype::text, {_listed("d.defaclacl", "d.defaclrole")}
FROM pg_default_acl d
"""
"""Roles that migrate are called otherwise on each server, so theirs are read without a name."""
