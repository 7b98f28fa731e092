"""Each kind of object that is looked after: added, changed, renamed and dropped."""

from __future__ import annotations

from tests.postgres.cases import matrix_keys, matrix_others, matrix_tables

KINDS = (*matrix_tables.KINDS, *matrix_keys.KINDS, *matrix_others.KINDS)
CASES = tuple(kind.case() for kind in KINDS)
