"""Operators, operator families and operator classes."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

_OPERATORS: Final = f"""
SELECT {classes.OPERATOR}, o.oid, 'operator', o.oprnamespace,
  format('%s(%s, %s)', o.oprname, sides.l, sides.r),
  format(E'CREATE OPERATOR %s.%s (\\n    %s\\n)', o.oprnamespace::regnamespace, o.oprname,
    concat_ws(E',\\n    ',
    'FUNCTION = ' || o.oprcode::text,
    'LEFTARG = ' || nullif(sides.l, 'NONE'),
    'RIGHTARG = ' || nullif(sides.r, 'NONE'),
    'COMMUTATOR = OPERATOR(' || c.oprnamespace::regnamespace || '.' || c.oprname || ')',
    'NEGATOR = OPERATOR(' || g.oprnamespace::regnamespace || '.' || g.oprname || ')',
    'RESTRICT = ' || nullif(o.oprrest::oid, 0)::regproc::text,
    'JOIN = ' || nullif(o.oprjoin::oid, 0)::regproc::text,
    CASE WHEN o.oprcanhash THEN 'HASHES' END,
    CASE WHEN o.oprcanmerge THEN 'MERGES' END)),
  format('DROP OPERATOR %s.%s (%s, %s)', o.oprnamespace::regnamespace, o.oprname, sides.l, sides.r)
FROM pg_operator o
CROSS JOIN LATERAL (SELECT
  CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END AS l,
  CASE WHEN o.oprright = 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END AS r) sides
LEFT JOIN pg_operator c ON c.oid = o.oprcom
LEFT JOIN pg_operator g ON g.oid = o.oprnegate
WHERE o.oprnamespace = ANY {SPACES} AND o.oprcode::oid <> 0
  AND {not_member(classes.OPERATOR, "o.oid")}
"""
"""A shell operator, a placeholder for one that is not created yet, has no function."""


def _members(catalog: int, oid: str) -> str:
    """Return the entries that belong to one operator class or, loosely, to a family."""
    return f"""
SELECT string_agg(entry, E',\\n    ' ORDER BY kind DESC, place, entry) FROM (
  SELECT 'o' AS kind, a.amopstrategy AS place,
    format('OPERATOR %s %s.%s (%s, %s)%s', a.amopstrategy, p.oprnamespace::regnamespace, p.oprname,
      format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL),
      ' FOR ORDER BY ' || s.opfnamespace::regnamespace || '.' || quote_ident(s.opfname)) AS entry
  FROM pg_depend d
  JOIN pg_amop a ON d.classid = {classes.ACCESS_OPERATOR} AND a.oid = d.objid
  JOIN pg_operator p ON p.oid = a.amopopr
  LEFT JOIN pg_opfamily s ON s.oid = a.amopsortfamily
  WHERE d.refclassid = {catalog} AND d.refobjid = {oid}
  UNION ALL
  SELECT 'f', a.amprocnum, format('FUNCTION %s (%s, %s) %s', a.amprocnum,
      format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, NULL),
      a.amproc::oid::regprocedure::text)
  FROM pg_depend d
  JOIN pg_amproc a ON d.classid = {classes.ACCESS_PROCEDURE} AND a.oid = d.objid
  WHERE d.refclassid = {catalog} AND d.refobjid = {oid}) entries
"""


_FAMILIES: Final = f"""
SELECT {classes.OPERATOR_FAMILY}, f.oid, 'operator_family', f.opfnamespace,
  format('%s USING %s', f.opfname, am.amname),
  concat_ws(E';\\n', format('CREATE OPERATOR FAMILY %s.%I USING %I', f.opfnamespace::regnamespace,
      f.opfname, am.amname),
    format(E'ALTER OPERATOR FAMILY %s.%I USING %I ADD\\n    ', f.opfnamespace::regnamespace,
      f.opfname, am.amname) || ({_members(classes.OPERATOR_FAMILY, "f.oid")})),
  format('DROP OPERATOR FAMILY %s.%I USING %I', f.opfnamespace::regnamespace, f.opfname, am.amname)
FROM pg_opfamily f
JOIN pg_am am ON am.oid = f.opfmethod
WHERE f.opfnamespace = ANY {SPACES} AND {not_member(classes.OPERATOR_FAMILY, "f.oid")}
"""

_CLASSES: Final = f"""
SELECT {classes.OPERATOR_CLASS}, o.oid, 'operator_class', o.opcnamespace,
  format('%s USING %s', o.opcname, am.amname),
  format(E'CREATE OPERATOR CLASS %s.%I%s FOR TYPE %s USING %I FAMILY %s.%I AS\\n    %s',
    o.opcnamespace::regnamespace, o.opcname, CASE WHEN o.opcdefault THEN ' DEFAULT' END,
    format_type(o.opcintype, NULL),
    am.amname, f.opfnamespace::regnamespace, f.opfname, concat_ws(E',\\n    ',
      ({_members(classes.OPERATOR_CLASS, "o.oid")}),
      -- An operator class must have an entry; this one says what goes without saying.
      'STORAGE ' || format_type(coalesce(nullif(o.opckeytype, 0), o.opcintype), NULL))),
  format('DROP OPERATOR CLASS %s.%I USING %I', o.opcnamespace::regnamespace, o.opcname, am.amname)
FROM pg_opclass o
JOIN pg_am am ON am.oid = o.opcmethod
JOIN pg_opfamily f ON f.oid = o.opcfamily
WHERE o.opcnamespace = ANY {SPACES} AND {not_member(classes.OPERATOR_CLASS, "o.oid")}
"""

OPERATORS: Final = f"{_OPERATORS} UNION ALL {_FAMILIES} UNION ALL {_CLASSES}"
