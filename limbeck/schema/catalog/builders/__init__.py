"""What is made of the rows that Postgres answered, one module a noun.

Each module has a `build(reading)` that turns the rows of the query of the same name into objects.
The classes of the objects are slow to import; so these modules are imported while the server
works on the queries.
"""

from __future__ import annotations
