"""The values that a catalog holds: one frozen class for each kind of object.

Every text of Postgres in them (types, expressions, definitions) was read with an empty search_path,
so each name in it is qualified. Fields marked "not compared" are for renderers and make no
difference between two objects.
"""

from __future__ import annotations
