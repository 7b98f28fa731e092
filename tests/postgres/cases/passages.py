"""Changes on whose way applications were broken once, as the state machine found them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """Two schemas; `managed` is whether models describe their privileges."""

    name: str
    before: str
    after: str
    managed: bool = False


PHASED = (
    Case(
        "a hidden column copies the value that replaces NULL",
        "CREATE TABLE a (id integer PRIMARY KEY, n bigint)",
        "CREATE TABLE a (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 3)",
    ),
    Case(
        "NULL is replaced until the swap, although an index is built elsewhere meanwhile",
        "CREATE TABLE b (id integer PRIMARY KEY, code text, n integer);"
        "CREATE TABLE c (id integer PRIMARY KEY, code text, n integer, nick text);"
        "CREATE UNIQUE INDEX c_code ON c (code) WHERE id > 0",
        "CREATE TABLE b (id integer PRIMARY KEY, code text, n integer);"
        "CREATE UNIQUE INDEX b_code ON b (code, n);"
        "CREATE TABLE c (id integer PRIMARY KEY, code text, n integer,"
        " nick varchar(40) NOT NULL DEFAULT '');"
        "CREATE UNIQUE INDEX c_code ON c (code, n)",
    ),
    Case(
        "an application still writes a label that the new enum does not have",
        "CREATE TYPE mood AS ENUM ('y', 'z'); CREATE TABLE b (id integer PRIMARY KEY, mood mood)",
        "CREATE TYPE mood AS ENUM ('y'); CREATE TABLE b (id integer PRIMARY KEY, mood mood)",
    ),
    Case(
        "a unique index of an expression over a column of another type",
        "CREATE TABLE b (id integer PRIMARY KEY, n bigint, code varchar(30));"
        "CREATE UNIQUE INDEX b_code ON b (lower(code)); CREATE VIEW seen AS SELECT id, n FROM b",
        "CREATE TABLE b (id integer PRIMARY KEY, n integer, code text);"
        "CREATE UNIQUE INDEX b_code ON b (lower(code)); CREATE VIEW seen AS SELECT id, n FROM b",
    ),
    Case(
        "a column gets its default before the trigger that gave it values is gone",
        "CREATE TABLE a (id integer PRIMARY KEY, n integer, tenant integer);"
        "CREATE TABLE b (id integer PRIMARY KEY, n integer, tenant integer);"
        "CREATE POLICY own ON a USING (tenant = 1); CREATE POLICY own ON b USING (tenant = 1);"
        "ALTER TABLE a ENABLE ROW LEVEL SECURITY; ALTER TABLE b ENABLE ROW LEVEL SECURITY",
        "CREATE TABLE a (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 3, tenant integer);"
        "CREATE TABLE b (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 3, tenant integer);"
        "CREATE POLICY own ON a USING (id > 0); CREATE POLICY own ON b USING (id > 0);"
        "ALTER TABLE a ENABLE ROW LEVEL SECURITY; ALTER TABLE b ENABLE ROW LEVEL SECURITY",
    ),
    Case(
        "a role loses a table, and has some of its columns",
        "CREATE TABLE b (id integer PRIMARY KEY, n bigint); GRANT SELECT ON b TO limbeck_app",
        "CREATE TABLE b (id integer PRIMARY KEY, n integer);GRANT SELECT (id) ON b TO limbeck_app",
        managed=True,
    ),
)
