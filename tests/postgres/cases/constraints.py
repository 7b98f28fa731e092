"""Constraints and indexes."""

from __future__ import annotations

from tests.postgres.cases.case import Case

BASE = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE t (x int, y int, z text, r int4range);"

CASES = (
    Case(
        "each kind of constraint is added",
        BASE,
        """
        CREATE TABLE a (id int PRIMARY KEY);
        CREATE TABLE t (x int PRIMARY KEY, y int, z text, r int4range,
            UNIQUE NULLS NOT DISTINCT (y) INCLUDE (z) DEFERRABLE INITIALLY DEFERRED,
            CHECK (x > y) NO INHERIT,
            EXCLUDE USING gist (r WITH &&) WHERE (x > 0),
            FOREIGN KEY (y) REFERENCES a ON DELETE SET NULL (y) ON UPDATE CASCADE DEFERRABLE);
        COMMENT ON CONSTRAINT t_pkey ON t IS 'key';
        """,
    ),
    Case(
        "a foreign key is validated and deferred",
        """
        CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE t (x int);
        ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES a NOT VALID;
        ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID;
        """,
        """
        CREATE TABLE a (id int PRIMARY KEY);
        CREATE TABLE t (x int CONSTRAINT f REFERENCES a DEFERRABLE INITIALLY DEFERRED
            CONSTRAINT c CHECK (x > 0));
        """,
        says=("VALIDATE CONSTRAINT c", "ALTER CONSTRAINT f DEFERRABLE"),
    ),
    Case(
        "a constraint that only changes its name is renamed",
        """
        CREATE TABLE t (x int CONSTRAINT p PRIMARY KEY CONSTRAINT c CHECK (x > 0));
        CREATE TABLE u (x int CONSTRAINT f REFERENCES t);
        """,
        """
        CREATE TABLE t (x int CONSTRAINT p2 PRIMARY KEY CONSTRAINT c2 CHECK (x > 0));
        CREATE TABLE u (x int CONSTRAINT f2 REFERENCES t);
        """,
        says=("RENAME CONSTRAINT p TO p2",),
        never=("DROP",),
    ),
    Case(
        "a primary key moves to other columns under a foreign key",
        """
        CREATE TABLE a (x int PRIMARY KEY, y int NOT NULL UNIQUE);
        CREATE TABLE b (x int REFERENCES a (x));
        """,
        """
        CREATE TABLE a (x int NOT NULL UNIQUE, y int PRIMARY KEY);
        CREATE TABLE b (x int REFERENCES a (x));
        """,
    ),
    Case(
        "checks change",
        "CREATE TABLE t (x int CHECK (x > 0));",
        """
        CREATE TABLE t (x int CHECK (x > 1));
        """,
        rows="INSERT INTO t VALUES (5);",
    ),
    Case(
        "each kind of index is added",
        BASE,
        """
        CREATE TABLE a (id int PRIMARY KEY);
        CREATE TABLE t (x int, y int, z text, r int4range);
        CREATE INDEX one ON t (x DESC NULLS LAST, lower(z) text_pattern_ops) INCLUDE (y);
        CREATE UNIQUE INDEX two ON t (z COLLATE "C") NULLS NOT DISTINCT WHERE x > 5;
        CREATE INDEX three ON t USING gist (r) WITH (fillfactor = 60);
        CREATE INDEX four ON t ((x + y));
        ALTER INDEX four ALTER COLUMN 1 SET STATISTICS 50;
        COMMENT ON INDEX one IS 'first';
        """,
    ),
    Case(
        "an index changes",
        """
        CREATE TABLE t (x int, y int); CREATE INDEX i ON t (x); CREATE INDEX j ON t (y);
        """,
        """
        CREATE TABLE t (x int, y int); CREATE INDEX i ON t (x, y);
        CREATE INDEX j ON t (y) WITH (fillfactor = 50);
        """,
        never=("DROP INDEX public.j",),
    ),
    Case(
        "an index that only changes its name is renamed",
        """
        CREATE TABLE t (x int); CREATE INDEX i ON t (x);
        """,
        "CREATE TABLE t (x int); CREATE INDEX j ON t (x);",
        never=("DROP",),
    ),
    Case(
        "an index and a table swap their names",
        """
        CREATE TABLE i (x int); CREATE TABLE t (x int); CREATE INDEX n ON t (x);
        """,
        "CREATE TABLE n (x int); CREATE TABLE t (x int); CREATE INDEX i ON t (x);",
    ),
    Case(
        "replica identity by an index",
        """
        CREATE TABLE t (x int NOT NULL); CREATE UNIQUE INDEX i ON t (x);
        """,
        """
        CREATE TABLE t (x int NOT NULL); CREATE UNIQUE INDEX i ON t (x);
        ALTER TABLE t REPLICA IDENTITY USING INDEX i;
        """,
    ),
    Case(
        "a foreign key that is enforced from now on, for new rows",
        "CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t NOT ENFORCED);",
        "CREATE TABLE t (a int PRIMARY KEY, b int); ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES t"
        " NOT VALID;",
        rows="INSERT INTO t VALUES (1, 2)",
    ),
)
