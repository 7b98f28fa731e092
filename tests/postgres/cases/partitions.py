"""Partitions and inheritance."""

from __future__ import annotations

from tests.postgres.cases.case import Case

LOG = "CREATE TABLE log (at date NOT NULL, what text) PARTITION BY RANGE (at);"
Y1 = "CREATE TABLE log1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');"
Y2 = "CREATE TABLE log2 PARTITION OF log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');"
UNPROVEN = "ALTER TABLE p ADD CONSTRAINT above CHECK (a > 0) NOT VALID;"
CHECKED = "CREATE TABLE p (a int);" + UNPROVEN
OTHER = UNPROVEN.replace(" p ", " q ")
ROW = "INSERT INTO log VALUES ('2020-05-05', 'x');"

KEYED = """
CREATE TABLE keyed (a int NOT NULL, b int NOT NULL) PARTITION BY LIST (a);
CREATE TABLE k1 PARTITION OF keyed FOR VALUES IN (1);
"""

# A table that is, or becomes, a partition of `keyed`.
LOOSE = "CREATE TABLE k2 (a int NOT NULL, b int NOT NULL);"
JOINED = "CREATE TABLE k2 PARTITION OF keyed FOR VALUES IN (2);"

PARENTS = (
    "CREATE TABLE a (x int, y int NOT NULL); CREATE TABLE b (x int DEFAULT 1, y int NOT NULL);"
)

CASES = (
    Case(
        "a partitioned table with everything",
        "",
        LOG
        + Y1
        + Y2
        + """
        ALTER TABLE log ADD PRIMARY KEY (at, what); CREATE INDEX ON log (what);
        ALTER TABLE log1 ALTER what SET DEFAULT 'one'; CREATE INDEX own ON log2 (what, at);
        CREATE TABLE log3 PARTITION OF log DEFAULT PARTITION BY LIST (what);
        CREATE TABLE log3a PARTITION OF log3 FOR VALUES IN ('a');
        """,
        says=("PARTITION OF public.log FOR VALUES",),
    ),
    Case(
        "a partition is added",
        LOG + Y1 + "CREATE INDEX ON log (what);",
        LOG + Y1 + Y2 + "CREATE INDEX ON log (what);",
        rows=ROW,
    ),
    Case(
        "a partition whose index has a name of its own",
        LOG + Y1 + "CREATE INDEX i ON log (at);",
        LOG
        + Y1
        + "CREATE TABLE log2 (at date CONSTRAINT log_at_not_null NOT NULL, what text);"
        + """
        CREATE INDEX mine ON log2 (at); CREATE INDEX i ON log (at);
        ALTER TABLE log ATTACH PARTITION log2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
        """,
    ),
    Case(
        "a partition whose index and key have comments and marks of their own",
        "",
        LOG
        + Y1
        + """
        ALTER TABLE log ADD PRIMARY KEY (at); CREATE INDEX i ON log (what);
        COMMENT ON INDEX log1_what_idx IS 'of 2020'; COMMENT ON CONSTRAINT log1_pkey ON log1 IS 'k';
        ALTER INDEX i RENAME TO j; ALTER TABLE log1 CLUSTER ON log1_what_idx;
        ALTER TABLE log1 REPLICA IDENTITY USING INDEX log1_pkey;
        """,
        says=("COMMENT ON INDEX public.log1_what_idx IS 'of 2020'",),
    ),
    Case(
        "a new index of a partitioned table, and a comment on that of a partition",
        LOG + Y1 + Y2,
        LOG + Y1 + Y2 + "CREATE INDEX ON log (what); COMMENT ON INDEX log1_what_idx IS 'of 2020';",
        rows=ROW,
    ),
    Case(
        "a new partition whose index has a comment of its own",
        LOG + Y1 + "CREATE INDEX ON log (what);",
        LOG
        + Y1
        + "CREATE INDEX ON log (what);"
        + Y2
        + "COMMENT ON INDEX log2_what_idx IS 'of 2021';",
        rows=ROW,
    ),
    Case(
        "a partition is detached and attached",
        LOG + Y1 + Y2,
        LOG
        + Y1
        + """
        CREATE TABLE log2 (at date CONSTRAINT log_at_not_null NOT NULL, what text);
        """,
        rows=ROW,
        never=("DROP TABLE", "CREATE TABLE"),
    ),
    Case("a partition's bounds change", LOG + Y1, LOG + Y1.replace("2021", "2023"), rows=ROW),
    Case(
        "columns, keys and indexes of a partitioned table",
        LOG + Y1 + Y2,
        """
        CREATE TABLE log (at date NOT NULL, what varchar(50) DEFAULT 'x' NOT NULL,
            who int CHECK (who > 0), PRIMARY KEY (at, what)) PARTITION BY RANGE (at);
        """
        + Y1
        + Y2
        + "CREATE INDEX ON log (who);",
        rows=ROW,
    ),
    Case(
        "a foreign key to and from a partitioned table",
        LOG + Y1,
        LOG
        + Y1
        + """
        CREATE TABLE kinds (name text PRIMARY KEY);
        ALTER TABLE log ADD FOREIGN KEY (what) REFERENCES kinds, ADD PRIMARY KEY (at);
        CREATE TABLE notes (at date REFERENCES log);
        """,
    ),
    Case(
        "a trigger on a partitioned table",
        LOG + Y1,
        LOG
        + Y1
        + """
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER tr AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION f();
        """,
    ),
    Case(
        "a plain table becomes a partitioned one",
        "CREATE TABLE log (at date);",
        """
        CREATE TABLE log (at date) PARTITION BY RANGE (at);
        """,
    ),
    Case(
        "inheritance",
        "CREATE TABLE p (a int NOT NULL CHECK (a > 0), b text DEFAULT 'x');",
        """
        CREATE TABLE p (a int NOT NULL CHECK (a > 0), b text DEFAULT 'x');
        CREATE TABLE c (d int) INHERITS (p); ALTER TABLE c ALTER b SET DEFAULT 'y';
        """,
    ),
    Case(
        "a column is added to a parent",
        """
        CREATE TABLE p (a int); CREATE TABLE c (d int) INHERITS (p);
        """,
        "CREATE TABLE p (a bigint, b int DEFAULT 5); CREATE TABLE c (d int) INHERITS (p);",
        rows="INSERT INTO c VALUES (1, 2);",
        holds=(("SELECT b FROM c", 5),),
    ),
    Case(
        "a table inherits no longer",
        """
        CREATE TABLE p (a int); CREATE TABLE c (a int, d int) INHERITS (p);
        """,
        "CREATE TABLE p (a int); CREATE TABLE c (a int, d int);",
        rows="INSERT INTO c VALUES (1, 2);",
        never=("DROP",),
    ),
    Case(
        "a foreign key of a partitioned table is deferred and enforced",
        """
        CREATE TABLE t (id int PRIMARY KEY, a int REFERENCES t, b int) PARTITION BY LIST (id);
        CREATE TABLE t_1 PARTITION OF t DEFAULT;
        ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES t NOT ENFORCED;
        """,
        """
        CREATE TABLE t (
            id int PRIMARY KEY, a int REFERENCES t INITIALLY DEFERRED, b int REFERENCES t
        ) PARTITION BY LIST (id);
        CREATE TABLE t_1 PARTITION OF t DEFAULT;
        """,
        rows="INSERT INTO t VALUES (1, 1, 1)",
    ),
    Case(
        "indexes of a partitioned table that are alike",
        LOG + Y1 + Y2 + "CREATE INDEX y ON log (what);",
        LOG + Y1 + Y2 + "CREATE INDEX x ON log (what); CREATE INDEX y ON log (what);",
        rows=ROW,
    ),
    Case(
        "indexes of a new partitioned table that are alike, one copy with a name of its own",
        "",
        LOG
        + Y1
        + """
        CREATE INDEX z ON log (what); CREATE INDEX x ON log (what DESC);
        CREATE INDEX y ON log (what); ALTER INDEX log1_what_idx1 RENAME TO mine;
        """,
    ),
    Case(
        "a NOT NULL that a child keeps as its own, by another name",
        "CREATE TABLE p (a int NOT NULL); CREATE TABLE c () INHERITS (p);",
        "CREATE TABLE p (a int);"
        "CREATE TABLE c () INHERITS (p); ALTER TABLE c ALTER a SET NOT NULL;",
        rows="INSERT INTO c VALUES (1)",
    ),
    Case(
        "a NOT NULL that a child keeps as its own, by the same name",
        "CREATE TABLE p (a int CONSTRAINT n NOT NULL); CREATE TABLE c () INHERITS (p);",
        "CREATE TABLE p (a int); CREATE TABLE c (CONSTRAINT n NOT NULL a) INHERITS (p);",
        rows="INSERT INTO c VALUES (1)",
    ),
    Case(
        "a NOT NULL that a partition keeps as its own",
        "CREATE TABLE p (a int NOT NULL) PARTITION BY LIST (a);"
        "CREATE TABLE c PARTITION OF p FOR VALUES IN (1);",
        "CREATE TABLE p (a int) PARTITION BY LIST (a);"
        "CREATE TABLE c PARTITION OF p (a NOT NULL) FOR VALUES IN (1);",
        rows="INSERT INTO p VALUES (1)",
    ),
    Case(
        "a check that is not valid reaches a new heir, which has it so",
        CHECKED + "CREATE TABLE old () INHERITS (p);",
        "CREATE TABLE p (a int); CREATE TABLE c (b int) INHERITS (p); CREATE TABLE g () INHERITS"
        " (c);" + UNPROVEN + "CREATE TABLE old () INHERITS (p);",
        rows="INSERT INTO old VALUES (1)",
    ),
    Case(
        "an heir's copy of a check is no longer known to be valid",
        CHECKED + "CREATE TABLE c () INHERITS (p);",
        "CREATE TABLE p (a int); CREATE TABLE c () INHERITS (p);" + UNPROVEN,
        rows="INSERT INTO c VALUES (1)",
    ),
    Case(
        "a check that is not valid, of a partitioned table, and partitions from before and after",
        "CREATE TABLE p (a int) PARTITION BY LIST (a);" + UNPROVEN,
        "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES"
        " IN (1);" + UNPROVEN + "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);",
    ),
    Case(
        "heirs of two tables with one check, which is not valid",
        CHECKED + "CREATE TABLE q (a int);" + OTHER,
        "CREATE TABLE p (a int); CREATE TABLE q (a int); CREATE TABLE c () INHERITS (p, q);"
        + UNPROVEN
        + OTHER,
    ),
    Case(
        "a foreign key is enforced, of a partition too that gets other bounds",
        """
        CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE p (id int, b int) PARTITION BY LIST (id);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        ALTER TABLE p ADD FOREIGN KEY (b) REFERENCES r NOT ENFORCED;
        """,
        """
        CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE p (id int, b int) PARTITION BY LIST (id);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1, 2);
        ALTER TABLE p ADD FOREIGN KEY (b) REFERENCES r;
        """,
        rows="INSERT INTO r VALUES (3); INSERT INTO p VALUES (1, 3);",
        never=("DROP",),
    ),
    Case(
        "a partition gets other bounds while its columns change their types",
        "CREATE TABLE p (a int, b int, c text DEFAULT 'x') PARTITION BY LIST (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);",
        "CREATE TABLE p (a int, b bigint, c varchar(9) DEFAULT 'y') PARTITION BY LIST (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1, 2);",
        rows="INSERT INTO p VALUES (1, 2, 'z');",
        never=("DROP TABLE",),
    ),
    Case(
        "an heir's own column is of a type that is made anew",
        "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE p (a int);"
        "CREATE TABLE c (own mood[]) INHERITS (p);",
        "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE p (a int);"
        "CREATE TABLE c (own mood[]) INHERITS (p);",
        rows="INSERT INTO c VALUES (1, '{a}');",
    ),
    Case(
        "a new partition has a key of its own like the index of its parent",
        f"{KEYED} CREATE UNIQUE INDEX i ON keyed (a, b);",
        f"{KEYED} CREATE UNIQUE INDEX i ON keyed (a, b);"
        "CREATE TABLE k2 PARTITION OF keyed (PRIMARY KEY (a, b)) FOR VALUES IN (2);",
        rows="INSERT INTO keyed VALUES (1, 1);",
        never=("DROP",),
    ),
    Case(
        "a parent gets a key like one of its partition, and like the index of another one",
        f"{KEYED} ALTER TABLE k1 ADD CONSTRAINT own UNIQUE (a, b); CREATE TABLE k2 PARTITION OF"
        " keyed FOR VALUES IN (2); CREATE UNIQUE INDEX mine ON k2 (a, b);",
        f"{KEYED} ALTER TABLE keyed ADD PRIMARY KEY (a, b);"
        "CREATE TABLE k2 PARTITION OF keyed FOR VALUES IN (2);",
        rows="INSERT INTO keyed VALUES (1, 1);",
    ),
    Case(
        "a table with a key becomes a partition while its parent's index gives way to a key",
        f"{KEYED} {LOOSE} CREATE UNIQUE INDEX i ON keyed (a, b);"
        "ALTER TABLE k2 ADD CONSTRAINT u UNIQUE (a, b);",
        f"{KEYED} {JOINED} ALTER TABLE k2 ADD CONSTRAINT u UNIQUE (a, b);"
        "CREATE UNIQUE INDEX own ON k2 (a, b); ALTER TABLE keyed ADD PRIMARY KEY (a, b);",
        rows="INSERT INTO keyed VALUES (1, 1); INSERT INTO k2 VALUES (2, 2);",
    ),
    Case(
        "a table with a key becomes a partition of one with an index, instead of a constraint",
        f"{KEYED} {LOOSE} ALTER TABLE k2 ADD CONSTRAINT u UNIQUE (a, b);"
        "ALTER TABLE keyed ADD CONSTRAINT v UNIQUE (a, b);",
        f"{KEYED} {JOINED} ALTER TABLE k2 ADD CONSTRAINT u UNIQUE (a, b);"
        "CREATE UNIQUE INDEX i ON keyed (a, b);",
        rows="INSERT INTO keyed VALUES (1, 1); INSERT INTO k2 VALUES (2, 2);",
    ),
    Case(
        "a foreign key stays while the key of a partition that it uses gives way to another one",
        f"{KEYED} {JOINED} ALTER TABLE keyed ADD UNIQUE (a, b);"
        "CREATE TABLE f (a int, b int, FOREIGN KEY (a, b) REFERENCES k2 (a, b));",
        f"{KEYED} {JOINED} ALTER TABLE k2 ADD PRIMARY KEY (a, b);"
        "CREATE TABLE f (a int, b int, FOREIGN KEY (a, b) REFERENCES k2 (a, b));",
        rows="INSERT INTO keyed VALUES (2, 2); INSERT INTO f VALUES (2, 2);",
    ),
    Case(
        "a table becomes a partition whose unique constraint belongs to a primary key",
        f"{KEYED} {LOOSE} ALTER TABLE keyed ADD PRIMARY KEY (a, b);",
        f"{KEYED} {JOINED} ALTER TABLE k2 ADD UNIQUE (a, b);"
        "ALTER TABLE keyed ADD PRIMARY KEY (a, b);",
        rows="INSERT INTO keyed VALUES (1, 1);",
    ),
    Case(
        "a partition is detached while its parent gets indexes that are alike",
        f"{KEYED} {JOINED} CREATE UNIQUE INDEX own ON k1 (a, b);",
        f"{KEYED} {LOOSE} ALTER TABLE k1 ADD PRIMARY KEY (a, b);"
        "CREATE UNIQUE INDEX i ON keyed (a, b); CREATE UNIQUE INDEX j ON keyed (a, b);",
        rows="INSERT INTO keyed VALUES (1, 1), (2, 2);",
    ),
    Case(
        "a table gets another parent with the same columns",
        f"{PARENTS} CREATE TABLE c (z int) INHERITS (a); CREATE TABLE g () INHERITS (c);",
        f"{PARENTS} CREATE TABLE c (z int) INHERITS (b); CREATE TABLE g () INHERITS (c);",
        rows="INSERT INTO c VALUES (1, 2, 3); INSERT INTO g VALUES (4, 5, 6);",
    ),
    Case(
        "a table gets a new parent with the same columns, and the old one goes",
        "CREATE TABLE a (x int NOT NULL); CREATE TABLE c () INHERITS (a);",
        "CREATE TABLE b (x int NOT NULL, y int); CREATE TABLE c () INHERITS (b);",
        rows="INSERT INTO c VALUES (1);",
    ),
)
