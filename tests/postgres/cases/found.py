"""What whole collections of schemas brought to light."""

from __future__ import annotations

from tests.postgres.cases.case import Case

CASES = (
    Case(
        "a parent takes over the column of its child, with its values",
        """
        CREATE TABLE base (a int); CREATE TABLE child (e int, e_old int) INHERITS (base);
        CREATE TABLE grandchild (g int) INHERITS (child); CREATE INDEX i ON child (e);
        """,
        """
        CREATE TABLE base (a int, e bigint); CREATE TABLE child (e_old int) INHERITS (base);
        CREATE TABLE grandchild (g int) INHERITS (child); CREATE INDEX i ON child (e);
        """,
        rows="INSERT INTO child VALUES (1, 2, 3); INSERT INTO grandchild VALUES (1, 5, 3, 4);",
        holds=(("SELECT sum(e) FROM base", 7),),
    ),
    Case(
        "a list of values of a varchar column, wherever it may stand",
        "",
        """
        CREATE DOMAIN size AS varchar CHECK (VALUE IN ('s', 'l'));
        CREATE TABLE t (
            a varchar CHECK (a IN ('x', 'it''s')), b boolean DEFAULT ('a'::varchar IN ('b', 'c')),
            c boolean GENERATED ALWAYS AS (a IN ('c', 'd')) STORED
        );
        CREATE INDEX i ON t ((a IN ('x', 'y'))) WHERE a NOT IN ('[', '])');
        CREATE VIEW v AS SELECT a FROM t WHERE a IN ('x', 'y');
        CREATE POLICY p ON t USING (a IN ('x', 'y')) WITH CHECK (a IN ('x', 'y'));
        CREATE RULE r AS ON INSERT TO t WHERE NEW.a IN ('x', 'y') DO INSTEAD NOTHING;
        CREATE FUNCTION f(a varchar) RETURNS boolean RETURN a IN ('x', 'y');
        CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.a IN ('x', 'y'))
            EXECUTE FUNCTION tr();
        """,
        says=("'x'::character varying, 'it''s'::character varying]::character varying[])::text[]",),
    ),
    Case(
        "a unique key of the same columns as the primary key",
        "",
        "CREATE TABLE t (a int, b int, PRIMARY KEY (a)); ALTER TABLE t ADD UNIQUE (a);"
        "CREATE TABLE u (a int, b int, UNIQUE (a, b)); ALTER TABLE u ADD UNIQUE (a, b)",
    ),
    Case(
        "a table that has the names of another one's NOT NULLs",
        "",
        """
        CREATE TABLE m (id int PRIMARY KEY, a int NOT NULL, s serial); CREATE TABLE a (LIKE m);
        CREATE TABLE k (a int, b int GENERATED ALWAYS AS IDENTITY);
        ALTER TABLE k ALTER a SET NOT NULL;
        CREATE TABLE b (LIKE k); ALTER TABLE k ALTER a DROP NOT NULL;
        """,
    ),
    Case(
        "an unlogged table whose sequence is logged",
        "CREATE TABLE kept (id bigserial)",
        """
        CREATE UNLOGGED TABLE t (id bigserial); ALTER SEQUENCE t_id_seq SET LOGGED;
        CREATE UNLOGGED TABLE kept (id bigserial); ALTER SEQUENCE kept_id_seq SET LOGGED;
        """,
    ),
    Case(
        "a view of a column whose NOT NULL is another column's from now on",
        "CREATE TABLE t (a int NOT NULL, b int); CREATE VIEW v AS SELECT a, b FROM t",
        "CREATE TABLE t (a int NOT NULL, b int); CREATE VIEW v AS SELECT a, b FROM t;"
        "ALTER TABLE t RENAME a TO c",
    ),
    Case(
        "a sequence goes on in a new table, which has the old one's key",
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "CREATE TABLE t (id serial PRIMARY KEY); ALTER TABLE t RENAME TO u",
    ),
    Case(
        "a sequence goes on in a new column, which has the old one's NOT NULL",
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "CREATE TABLE t (id serial PRIMARY KEY); ALTER TABLE t RENAME id TO number",
    ),
    Case(
        "a tree of partitions that refers to itself",
        """
        CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t) PARTITION BY LIST (id);
        CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t_2 PARTITION OF t DEFAULT;
        """,
        "",
    ),
    Case(
        "a table that becomes a partition with the checks of its table, valid or not",
        "CREATE TABLE own (a int, gone int)",
        """
        CREATE TABLE t (a int CHECK (a > 0), b int NOT NULL DEFAULT 1) PARTITION BY LIST (a);
        CREATE TABLE own PARTITION OF t FOR VALUES IN (1);
        CREATE TABLE other PARTITION OF t FOR VALUES IN (2);
        ALTER TABLE other ADD CHECK (a < 9); CREATE TABLE heirs (a int);
        CREATE TABLE heir () INHERITS (heirs); ALTER TABLE heirs ADD CHECK (a > 0) NOT VALID;
        ALTER TABLE t ADD CONSTRAINT late CHECK (b > 0) NOT VALID;
        """,
    ),
    Case(
        "a partitioned table whose key's type changes, with what partitions have of it",
        """
        CREATE TABLE t (id bigserial PRIMARY KEY, gone int) PARTITION BY HASH (id);
        CREATE TABLE t_0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE INDEX ON t_0 (id DESC); CREATE INDEX ON t (id DESC);
        """,
        """
        CREATE TABLE t (id serial PRIMARY KEY, came int NOT NULL DEFAULT 1) PARTITION BY HASH (id);
        CREATE TABLE t_0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE INDEX ON t_0 (id DESC);
        """,
    ),
    Case(
        "an index of a partition stays, or sorts the other way round, without the table's",
        """
        CREATE TABLE t (id int) PARTITION BY HASH (id);
        CREATE TABLE t_0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE INDEX ON t_0 (id DESC); CREATE INDEX t_i ON t (id DESC);
        """,
        """
        CREATE TABLE t (id int) PARTITION BY HASH (id);
        CREATE TABLE t_0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE INDEX ON t_0 (id DESC); CREATE INDEX t_j ON t (id);
        """,
    ),
    Case(
        "a partition that leaves without the trigger and the foreign key that it had",
        """
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t, b int) PARTITION BY LIST (id);
        CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);
        CREATE TRIGGER touch BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
        """,
        """
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TABLE t (id int PRIMARY KEY, b int) PARTITION BY LIST (id);
        CREATE TABLE t_1 (id int PRIMARY KEY, b int);
        """,
        rows="INSERT INTO t VALUES (1, NULL)",
    ),
    Case(
        "the parents of a table that inherits, in their order",
        "CREATE TABLE z (a int NOT NULL, b int DEFAULT 1); CREATE TABLE p (a int NOT NULL, c int)",
        """
        CREATE TABLE z (a int NOT NULL, b int DEFAULT 1); CREATE TABLE p (a int NOT NULL, c int);
        CREATE TABLE k (own int) INHERITS (z, p)
        """,
    ),
    Case(
        "a partition's NOT NULL that is its own as well",
        """
        CREATE TABLE t (a int NOT NULL, b int NOT NULL) PARTITION BY LIST (a);
        CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);
        CREATE TABLE h (a int NOT NULL); CREATE TABLE h_1 (PRIMARY KEY (a)) INHERITS (h);
        """,
        """
        CREATE TABLE t (a int NOT NULL, b int NOT NULL) PARTITION BY LIST (a);
        CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);
        ALTER TABLE t_1 ALTER a SET NOT NULL, ALTER b SET NOT NULL;
        ALTER TABLE t ALTER b DROP NOT NULL;
        CREATE TABLE h (a int NOT NULL); CREATE TABLE h_2 () INHERITS (h);
        ALTER TABLE h_2 ADD PRIMARY KEY (a);
        """,
        rows="INSERT INTO t VALUES (1, 2)",
    ),
    Case(
        "a virtual column of a table with checks is computed in another way",
        "CREATE TABLE t (a int CHECK (a > 0), b int GENERATED ALWAYS AS (a * 2) VIRTUAL)",
        "CREATE TABLE t (a int CHECK (a > 0), b int GENERATED ALWAYS AS (a * 3) VIRTUAL)",
        rows="; INSERT INTO t VALUES (2)",
        holds=(("SELECT b FROM t", 6),),
    ),
    Case(
        "a domain whose old self is still used when the new one gets its NOT NULL",
        "CREATE DOMAIN d AS int NOT NULL; CREATE TABLE t (a d)",
        "CREATE DOMAIN d AS bigint NOT NULL; CREATE TABLE t (a d)",
    ),
    Case(
        "an identity whose sequence is of another type than its column",
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY); ALTER SEQUENCE t_id_seq AS bigint;"
        "CREATE TABLE u (id int GENERATED ALWAYS AS IDENTITY); ALTER SEQUENCE u_id_seq AS smallint",
    ),
    Case(
        "NOT NULLs take each other's names",
        "CREATE TABLE t (a int CONSTRAINT x NOT NULL, b int CONSTRAINT y NOT NULL, c int NOT NULL);"
        "CREATE TABLE u (a int CONSTRAINT x NOT NULL, b int NOT NULL)",
        "CREATE TABLE t (a int CONSTRAINT y NOT NULL, b int CONSTRAINT x NOT NULL, c int NOT NULL);"
        "CREATE TABLE u (a int NOT NULL, b int CONSTRAINT x NOT NULL)",
    ),
    Case(
        "a table goes and another one takes the name of its key",
        "CREATE TABLE old (id int CONSTRAINT k PRIMARY KEY); CREATE TABLE t (a int REFERENCES old)",
        "CREATE TABLE new (id int CONSTRAINT k PRIMARY KEY); CREATE TABLE t (a int REFERENCES new)",
    ),
)
