"""From rows to objects, one module a noun.

Each module has a `build(reading)`, which turns the rows of the query of the same name into objects
of the catalog. The classes of these objects are slow to import, so `read` imports the builders
only while the server works on the queries.
"""

from __future__ import annotations
