"""Which form of a statement exists since which major of Postgres.

`schema.diff`, the recipes of `phased`, the entities and the shadow ask this table before they write
a form that not every supported major has. `OLDEST` has all other forms that limbeck writes. Each
row has an example, which a test executes on a server of every major at hand: it must fail before
`since`, and run from then on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

OLDEST: Final = 14
"""The oldest major that limbeck supports."""

NEWEST: Final = 18
"""The newest major that limbeck is tested on."""


class Form(NamedTuple):
    """A form of a statement that not every supported major has.

    Attributes:
        name: The form as a message calls it.
        since: The first major that accepts it.
        example: A statement of this form; several are separated by a semicolon and a line feed.
        ground: The statements that every major runs before the example.

    """

    name: str
    since: int
    example: str
    ground: str = "CREATE TABLE t (a int, b text)"

    def exists(self, major: int) -> bool:
        """Return whether a major accepts the form."""
        return major >= self.since


_PARTITIONED: Final = "CREATE TABLE t (a int, b int) PARTITION BY RANGE (a)"
_REFERENCED: Final = "CREATE TABLE u (a int, b int, UNIQUE (a, b))"
_RANGES: Final = "CREATE TABLE t (a int4range, b daterange)"
_FUNCTION: Final = "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'"

# 15: https://www.postgresql.org/docs/release/15.0/
NULLS_NOT_DISTINCT: Final = Form(
    "NULLS NOT DISTINCT", 15, "ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (a)"
)
SET_COLUMNS: Final = Form(
    "ON DELETE SET NULL or SET DEFAULT with a list of columns",
    15,
    "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES u (a, b) ON DELETE SET NULL (b)",
    f"CREATE TABLE t (a int, b int);\n{_REFERENCED}",
)
SECURITY_INVOKER: Final = Form(
    "the option security_invoker of a view",
    15,
    "CREATE VIEW v WITH (security_invoker=true) AS SELECT a FROM t",
)
SET_ACCESS_METHOD: Final = Form("SET ACCESS METHOD", 15, "ALTER TABLE t SET ACCESS METHOD heap")
UNLOGGED_SEQUENCES: Final = Form(
    "an unlogged sequence", 15, "CREATE UNLOGGED SEQUENCE s;\nALTER SEQUENCE s SET LOGGED"
)
PUBLISHED_COLUMNS: Final = Form(
    "a publication with a list of columns", 15, "CREATE PUBLICATION p FOR TABLE t (a)"
)
PUBLISHED_ROWS: Final = Form(
    "a publication with a WHERE", 15, "CREATE PUBLICATION p FOR TABLE t WHERE (a > 1)"
)
PUBLISHED_SCHEMAS: Final = Form(
    "a publication of all tables of a schema",
    15,
    "CREATE PUBLICATION p FOR TABLES IN SCHEMA public",
)
DETACHED_FOREIGN_KEYS: Final = Form(
    "DETACH PARTITION that keeps a foreign key to the partitioned table itself",
    15,
    "ALTER TABLE t DETACH PARTITION t1;\nALTER TABLE t1 DROP CONSTRAINT up",
    "CREATE TABLE t (a int PRIMARY KEY, b int CONSTRAINT up REFERENCES t) PARTITION BY LIST (a);\n"
    "CREATE TABLE t1 PARTITION OF t DEFAULT",
)
DATABASE_STRATEGIES: Final = Form(
    "CREATE DATABASE ... STRATEGY",
    15,
    "CREATE DATABASE limbeck_forms STRATEGY file_copy;\nDROP DATABASE limbeck_forms",
)

# 16: https://www.postgresql.org/docs/release/16.0/
STORAGE_DEFAULT: Final = Form(
    "SET STORAGE DEFAULT", 16, "ALTER TABLE t ALTER COLUMN b SET STORAGE DEFAULT"
)
COLLATION_RULES: Final = Form(
    "the rules of an ICU collation",
    16,
    "CREATE COLLATION c (provider = icu, locale = 'und', rules = '&V << w')",
)

# 17: https://www.postgresql.org/docs/release/17.0/
SET_EXPRESSION: Final = Form(
    "SET EXPRESSION",
    17,
    "ALTER TABLE t ALTER COLUMN b SET EXPRESSION AS (a + 2)",
    "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)",
)
MAINTAIN: Final = Form("the privilege MAINTAIN", 17, "GRANT MAINTAIN ON TABLE t TO PUBLIC")
NAMED_NOT_NULLS_OF_DOMAINS: Final = Form(
    "the name of a domain's NOT NULL",
    17,
    "ALTER DOMAIN d ADD CONSTRAINT required NOT NULL",
    "CREATE DOMAIN d AS int",
)
BUILTIN_COLLATIONS: Final = Form(
    "a collation of the provider builtin",
    17,
    "CREATE COLLATION c (provider = builtin, locale = 'C.UTF-8')",
)
ACCESS_METHODS_OF_PARTITIONED: Final = Form(
    "the access method of a partitioned table",
    17,
    "ALTER TABLE t SET ACCESS METHOD heap",
    _PARTITIONED,
)
EXCLUSIONS_OF_PARTITIONED: Final = Form(
    "an exclusion constraint of a partitioned table",
    17,
    "ALTER TABLE t ADD EXCLUDE USING btree (a WITH =)",
    _PARTITIONED,
)
LOGIN_TRIGGERS: Final = Form(
    "an event trigger on login",
    17,
    "CREATE EVENT TRIGGER e ON login EXECUTE FUNCTION f();\nDROP EVENT TRIGGER e",
    _FUNCTION,
)
TRANSACTION_TIMEOUT: Final = Form("transaction_timeout", 17, "SET transaction_timeout = '1min'")

# 18: https://www.postgresql.org/docs/release/18.0/
NAMED_NOT_NULLS: Final = Form(
    "the name of a NOT NULL", 18, "ALTER TABLE t ADD CONSTRAINT required NOT NULL a"
)
NOT_NULL_NOT_VALID: Final = Form(
    "NOT NULL ... NOT VALID", 18, "ALTER TABLE t ADD CONSTRAINT required NOT NULL a NOT VALID"
)
NOT_NULL_NO_INHERIT: Final = Form(
    "NOT NULL ... NO INHERIT", 18, "CREATE TABLE v (a int NOT NULL NO INHERIT)"
)
VIRTUAL_COLUMNS: Final = Form(
    "a virtual generated column",
    18,
    "ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (a + 1) VIRTUAL",
)
NOT_ENFORCED: Final = Form("NOT ENFORCED", 18, "ALTER TABLE t ADD CHECK (a > 1) NOT ENFORCED")
WITHOUT_OVERLAPS: Final = Form(
    "WITHOUT OVERLAPS", 18, "ALTER TABLE t ADD UNIQUE (a, b WITHOUT OVERLAPS)", _RANGES
)
PERIOD: Final = Form(
    "a foreign key with PERIOD",
    18,
    "ALTER TABLE t ADD PRIMARY KEY (a, b WITHOUT OVERLAPS);\n"
    "ALTER TABLE t ADD FOREIGN KEY (a, PERIOD b) REFERENCES t (a, PERIOD b)",
    _RANGES,
)
FOREIGN_KEYS_NOT_VALID_OF_PARTITIONED: Final = Form(
    "a foreign key of a partitioned table that is NOT VALID",
    18,
    "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES u (a, b) NOT VALID",
    f"{_PARTITIONED};\n{_REFERENCED}",
)
PUBLISHED_GENERATED: Final = Form(
    "publish_generated_columns",
    18,
    "CREATE PUBLICATION p WITH (publish_generated_columns = stored)",
)
DEFAULT_PRIVILEGES_ON_LARGE_OBJECTS: Final = Form(
    "default privileges on large objects",
    18,
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO PUBLIC",
)

FORMS: Final = tuple(form for form in list(globals().values()) if isinstance(form, Form))
