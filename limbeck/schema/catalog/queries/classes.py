"""The oids of the system catalogs, as in Postgres' headers: CATALOG(..., oid, ...) in pg_*.h."""

from __future__ import annotations

from typing import Final

TYPE: Final = 1247
PROCEDURE: Final = 1255
RELATION: Final = 1259
SERVER: Final = 1417
WRAPPER: Final = 2328
ACCESS_OPERATOR: Final = 2602
ACCESS_PROCEDURE: Final = 2603
DEFAULT: Final = 2604
CAST: Final = 2605
CONSTRAINT: Final = 2606
CONVERSION: Final = 2607
NAMESPACE: Final = 2615
OPERATOR_CLASS: Final = 2616
OPERATOR: Final = 2617
REWRITE: Final = 2618
TRIGGER: Final = 2620
OPERATOR_FAMILY: Final = 2753
EXTENSION: Final = 3079
POLICY: Final = 3256
STATISTICS: Final = 3381
COLLATION: Final = 3456
EVENT_TRIGGER: Final = 3466
TEXT_SEARCH_DICTIONARY: Final = 3600
TEXT_SEARCH_PARSER: Final = 3601
TEXT_SEARCH_CONFIGURATION: Final = 3602
TEXT_SEARCH_TEMPLATE: Final = 3764
PUBLICATION: Final = 6104
PUBLICATION_RELATION: Final = 6106
PUBLICATION_NAMESPACE: Final = 6237

FIRST_USER_OID: Final = 16384
"""FirstNormalObjectId of access/transam.h; initdb creates everything below."""

PUBLIC: Final = 2200
"""The schema public, PG_PUBLIC_NAMESPACE of pg_namespace.dat: the one of initdb that is read."""
