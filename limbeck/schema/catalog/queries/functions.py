"""Functions, procedures and aggregates."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.arrays import settled
from limbeck.schema.catalog.queries.building import SPACES, Found

FUNCTIONS: Final = f"""
SELECT p.oid, p.pronamespace, p.proname,
  format('%I(%s)', p.proname, oidvectortypes(p.proargtypes)), p.prokind::text,
  CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
  pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = ANY {SPACES}
  AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = {classes.PROCEDURE}
    AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
"""


def build(found: Found) -> None:
    """Keep the functions; the constructors of ranges come with their types."""
    aggregates: dict[int, str] = dict(found.rows["aggregates"])
    for oid, space, name, identity, kind, definition, arguments, result, language in found.rows[
        "functions"
    ]:
        if schema := found.schemas.get(space):
            function = Function(
                schema=schema,
                identity=identity,
                kind=kind,
                definition=settled(definition or aggregates[oid]).rstrip("\n"),
                comment=found.comment(classes.PROCEDURE, oid),
                name=name,
                arguments=arguments,
                result=result,
                language=language,
            )
            found.add(classes.PROCEDURE, oid, function)
