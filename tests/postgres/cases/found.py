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
)
