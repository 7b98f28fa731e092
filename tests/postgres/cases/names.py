"""Names that are long, quoted, reserved, not ASCII; and those that Postgres makes of them."""

from __future__ import annotations

from tests.postgres.cases.case import Case


def everything(table: str, column: str, other: str) -> str:
    """Return SQL for a table and what gets its name from it, or has to be quoted beside it.

    The names are spelled as in SQL; other is a second column's.
    """
    return f"""
    CREATE TYPE {other} AS ENUM ('a', 'it''s "b"', 'None');
    CREATE TABLE {table} (
        {column} serial PRIMARY KEY, {other} int GENERATED ALWAYS AS IDENTITY UNIQUE,
        up int NOT NULL REFERENCES {table} CHECK (up <> {column}), kind {other},
        UNIQUE ({other}, {column}), EXCLUDE USING hash ({column} WITH =)
    );
    CREATE INDEX ON {table} ({other}, (up + 1)) INCLUDE ({column});
    COMMENT ON COLUMN {table}.{column} IS 'told';
    CREATE SCHEMA {column};
    CREATE DOMAIN {column}.{other} AS int NOT NULL CHECK (VALUE > 1);
    CREATE VIEW {column}.{table} AS SELECT {column}, {other} FROM {table};
    CREATE FUNCTION {column}({other}) RETURNS {table} LANGUAGE sql RETURN NULL::{table};
    CREATE FUNCTION {other}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER {other} BEFORE UPDATE OF {column} ON {table} EXECUTE FUNCTION {other}();
    CREATE POLICY {other} ON {table} USING ({column} > 1);
    """


LONG = everything("t" * 63, "c" * 63, "o" * 63)
WIDE = everything('"' + "ü" * 31 + '"', '"' + "ß€" * 12 + '"', '"' + "日" * 21 + '"')
RESERVED = everything('"user"', '"order"', '"Primary"')
PYTHON = everything('"metadata"', '"class"', '"None"')
SIGNS = everything('"a.b:c d"', '"100% {x} \\n%(y)s"', '"1st ""of"" it\'\'s"'.replace("''", ""))

CASES = (
    Case("names of 63 letters and the names made of them", "", LONG),
    Case("names of 63 bytes that are not letters of ASCII", "", WIDE),
    Case("reserved names", "", RESERVED),
    Case("names that mean something in Python and SQLAlchemy", "", PYTHON),
    Case("names with signs of all sorts", "", SIGNS),
    Case(
        "long names are renamed with the names made of them",
        f"CREATE TABLE {'t' * 63} ({'c' * 63} serial PRIMARY KEY, a int NOT NULL UNIQUE,"
        f" b int REFERENCES {'t' * 63}); CREATE INDEX ON {'t' * 63} (a, b)",
        f"CREATE TABLE {'s' * 63} ({'d' * 63} serial PRIMARY KEY, a int NOT NULL UNIQUE,"
        f" b int REFERENCES {'s' * 63}); CREATE INDEX ON {'s' * 63} (a, b)",
        (
            f"public.{'t' * 63}:public.{'s' * 63}",
            f"public.{'s' * 63}.{'c' * 63}:public.{'s' * 63}.{'d' * 63}",
        ),
        rows=f"; INSERT INTO {'t' * 63} (a) VALUES (5)",
        never=("DROP",),
    ),
    Case(
        "quoted names are renamed with the names made of them",
        'CREATE TABLE "a.b" ("x:y" serial PRIMARY KEY, "é" int NOT NULL UNIQUE);'
        ' CREATE INDEX ON "a.b" ("x:y", "é")',
        'CREATE TABLE "Ä" ("select" serial PRIMARY KEY, "q""q" int NOT NULL UNIQUE);'
        ' CREATE INDEX ON "Ä" ("select", "q""q")',
        (
            'public."a.b":public."Ä"',
            'public."Ä"."x:y":public."Ä"."select"',
            'public."Ä"."é":public."Ä"."q""q"',
        ),
        rows='; INSERT INTO "a.b" ("é") VALUES (5)',
        never=("DROP",),
    ),
)
