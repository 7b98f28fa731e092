"""The CREATE AGGREGATE statements of aggregates, for which Postgres has no function."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member


def _modify(option: str, column: str, function: str) -> str:
    """Return the FINALFUNC_MODIFY option or its like; NULL where it is the default."""
    return f"""CASE WHEN {function}::oid <> 0
        AND {column} <> CASE g.aggkind WHEN 'n' THEN 'r' ELSE 'w' END
      THEN '{option} = ' || CASE {column} WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE'
        ELSE 'READ_WRITE' END END"""


def _function(option: str, column: str) -> str:
    return f"'{option} = ' || nullif({column}::oid, 0)::regproc::text"


# The option names and their defaults are those of CREATE AGGREGATE's documentation page.
AGGREGATES: Final = f"""
SELECT p.oid, format(E'CREATE AGGREGATE %I.%I(%s) (\\n    %s\\n)', n.nspname, p.proname,
  coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*'), concat_ws(E',\\n    ',
    'SFUNC = ' || g.aggtransfn::text,
    'STYPE = ' || format_type(g.aggtranstype, NULL),
    'SSPACE = ' || nullif(g.aggtransspace, 0),
    {_function("FINALFUNC", "g.aggfinalfn")},
    CASE WHEN g.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
    {_modify("FINALFUNC_MODIFY", "g.aggfinalmodify", "g.aggfinalfn")},
    {_function("COMBINEFUNC", "g.aggcombinefn")},
    {_function("SERIALFUNC", "g.aggserialfn")},
    {_function("DESERIALFUNC", "g.aggdeserialfn")},
    'INITCOND = ' || quote_literal(g.agginitval),
    {_function("MSFUNC", "g.aggmtransfn")},
    {_function("MINVFUNC", "g.aggminvtransfn")},
    'MSTYPE = ' || CASE WHEN g.aggmtranstype <> 0 THEN format_type(g.aggmtranstype, NULL) END,
    'MSSPACE = ' || nullif(g.aggmtransspace, 0),
    {_function("MFINALFUNC", "g.aggmfinalfn")},
    CASE WHEN g.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
    {_modify("MFINALFUNC_MODIFY", "g.aggmfinalmodify", "g.aggmfinalfn")},
    'MINITCOND = ' || quote_literal(g.aggminitval),
    'SORTOP = OPERATOR(' || quote_ident(sn.nspname) || '.' || s.oprname || ')',
    CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,
    CASE WHEN g.aggkind = 'h' THEN 'HYPOTHETICAL' END))
FROM pg_aggregate g
JOIN pg_proc p ON p.oid = g.aggfnoid
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_operator s ON s.oid = g.aggsortop
LEFT JOIN pg_namespace sn ON sn.oid = s.oprnamespace
WHERE p.pronamespace = ANY {SPACES} AND {not_member(classes.PROCEDURE, "p.oid")}
"""
