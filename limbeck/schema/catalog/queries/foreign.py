"""Foreign-data wrappers and servers; user mappings contain secrets and are never read."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import not_member


def _options(column: str) -> str:
    return f"""(SELECT format('OPTIONS (%s)', string_agg(
      format('%I %L', option_name, option_value), ', '))
    FROM pg_options_to_table({column}) HAVING count(*) > 0)"""


_WRAPPERS: Final = f"""
SELECT {classes.WRAPPER}, w.oid, 'foreign_data_wrapper', 0::oid, w.fdwname::text,
  concat_ws(' ', format('CREATE FOREIGN DATA WRAPPER %I', w.fdwname),
    'HANDLER ' || nullif(w.fdwhandler, 0)::regproc::text,
    'VALIDATOR ' || nullif(w.fdwvalidator, 0)::regproc::text, {_options("w.fdwoptions")}),
  format('DROP FOREIGN DATA WRAPPER %I', w.fdwname)
FROM pg_foreign_data_wrapper w
WHERE {not_member(classes.WRAPPER, "w.oid")}
"""

_SERVERS: Final = f"""
SELECT {classes.SERVER}, s.oid, 'server', 0::oid, s.srvname::text,
  concat_ws(' ', format('CREATE SERVER %I', s.srvname), 'TYPE ' || quote_literal(s.srvtype),
    'VERSION ' || quote_literal(s.srvversion),
    format('FOREIGN DATA WRAPPER %I', w.fdwname), {_options("s.srvoptions")}),
  format('DROP SERVER %I', s.srvname)
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE {not_member(classes.SERVER, "s.oid")}
"""

FOREIGN: Final = f"{_WRAPPERS} UNION ALL {_SERVERS}"
