"""The questions put to pg_catalog, one module a noun.

Each is SQL, or a function of server_version_num where servers differ; its columns are unpacked by
the module of the same name in `builders`.
"""

from __future__ import annotations
