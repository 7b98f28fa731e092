"""The queries on pg_catalog, one module a noun; `read` sends all of them.

Each is SQL, or a function of the major where servers differ. The module of the same name
in `builders` unpacks the columns of its rows.
"""

from __future__ import annotations
