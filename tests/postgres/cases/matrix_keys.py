"""Constraints and indexes, with each thing that can be said of them."""

from __future__ import annotations

from tests.postgres.cases.kind import Kind, attribute

T = "CREATE TABLE t[k] (a int, b int NOT NULL, r int4range, s text); "
R = "CREATE TABLE r (a int PRIMARY KEY, b int, UNIQUE (a, b)); "
TIMES = (
    "CREATE EXTENSION btree_gist; CREATE TABLE r (a int, during daterange, "
    "PRIMARY KEY (a, during WITHOUT OVERLAPS)); "
)
ROWS = "".join(f"INSERT INTO t{k} VALUES (1, {k}, '[1,5)', 'x');" for k in (1, 2, 3))
FOREIGN = ROWS.replace("(1,", "(NULL,")


def constraint(name: str, one: str, other: str, base: str = "", rows: str = ROWS) -> Kind:
    """Return a kind of constraint of a table."""
    add = "ALTER TABLE t[k] ADD CONSTRAINT [n] "
    return Kind(name, f"{T}{add}{one};", f"{T}{add}{other};", T, base, "public.t[k].[n]", rows)


def said(name: str, constraint: str, *more: str, base: str = "", rows: str = ROWS) -> Kind:
    """Return the kind of what is said of a constraint."""
    plain = f"{T}ALTER TABLE t[k] ADD CONSTRAINT c[k] {constraint};"
    return attribute(name, plain, *more, base=base, rows=rows)


def index(name: str, plain: str, *more: str, base: str = "") -> Kind:
    """Return the kind of what is said of an index."""
    return attribute(name, f"{T}CREATE {plain};", *more, base=base, rows=ROWS)


KINDS = (
    constraint("primary key", "PRIMARY KEY (b)", "PRIMARY KEY (b, a)"),
    constraint("unique constraint", "UNIQUE (a)", "UNIQUE (a, b)"),
    constraint("check constraint", "CHECK (a > 0)", "CHECK (a > 0 AND b > 0)"),
    constraint(
        "exclusion constraint",
        "EXCLUDE USING gist (r WITH &&)",
        "EXCLUDE USING gist (r WITH &&) WHERE (a > 5)",
    ),
    constraint(
        "foreign key",
        "FOREIGN KEY (a) REFERENCES r",
        "FOREIGN KEY (a) REFERENCES r ON DELETE CASCADE",
        R,
        FOREIGN,
    ),
    said("deferrable", "UNIQUE (a) [a]", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"),
    said(
        "deferrable foreign key",
        "FOREIGN KEY (a) REFERENCES r [a]",
        "DEFERRABLE",
        "DEFERRABLE INITIALLY DEFERRED",
        base=R,
        rows=FOREIGN,
    ),
    said("not valid", "CHECK (a > 0) [a]", "NOT VALID"),
    said("not enforced", "CHECK (a > 0) [a]", "NOT ENFORCED"),
    said(
        "foreign key not enforced",
        "FOREIGN KEY (a) REFERENCES r [a]",
        "NOT ENFORCED",
        base=R,
        rows=FOREIGN,
    ),
    said("no inherit", "CHECK (a > 0) [a]", "NO INHERIT"),
    said("include", "UNIQUE (a) [a]", "INCLUDE (b)", "INCLUDE (b, s)"),
    said("nulls not distinct", "UNIQUE [a] (a)", "NULLS NOT DISTINCT"),
    said(
        "without overlaps",
        "UNIQUE (b, r [a])",
        "WITHOUT OVERLAPS",
        base="CREATE EXTENSION btree_gist; ",
    ),
    Kind(
        "period foreign key",
        "CREATE TABLE t[k] (a int, d daterange, CONSTRAINT c[k] FOREIGN KEY (a, PERIOD d) "
        "REFERENCES r (a, PERIOD during));",
        none="CREATE TABLE t[k] (a int, d daterange);",
        base=TIMES,
        rows="INSERT INTO t1 VALUES (NULL, '[2020-01-01,2021-01-01)');",
        unchanging="it has no actions",
        nameless="as any foreign key",
    ),
    said("match", "FOREIGN KEY (a, b) REFERENCES r (a, b) [a]", "MATCH FULL", base=R, rows=""),
    said(
        "actions with columns",
        "FOREIGN KEY (a, b) REFERENCES r (a, b) [a]",
        "ON DELETE SET NULL (a)",
        "ON DELETE SET DEFAULT (a, b) ON UPDATE CASCADE",
        base=R,
        rows=FOREIGN,
    ),
    Kind(
        "index",
        T + "CREATE INDEX [n] ON t[k] (a);",
        T + "CREATE UNIQUE INDEX [n] ON t[k] (a, b);",
        T,
        named="public.[n]",
        rows=ROWS,
    ),
    index("index method", "INDEX i[k] ON t[k] [a] (a)", "USING hash", "USING brin"),
    index("index expression", "INDEX i[k] ON t[k] (b[a])", ", lower(s)", ", (a + b)"),
    index(
        "operator class",
        "INDEX i[k] ON t[k] USING gist (r, s gist_trgm_ops[a])",
        "(siglen = 32)",
        "(siglen = 64)",
        base="CREATE EXTENSION pg_trgm; ",
    ),
    index("index collation", "INDEX i[k] ON t[k] (s[a])", ' COLLATE "C"', ' COLLATE "POSIX"'),
    index("index order", "INDEX i[k] ON t[k] (a[a])", " DESC", " NULLS FIRST"),
    index("partial index", "INDEX i[k] ON t[k] (a)[a]", " WHERE b > 1", " WHERE b > 2"),
    index("index include", "INDEX i[k] ON t[k] (a)[a]", " INCLUDE (b)", " INCLUDE (b, s)"),
    index(
        "index parameters",
        "INDEX i[k] ON t[k] (a)[a]",
        " WITH (fillfactor = 50)",
        " WITH (fillfactor = 60, deduplicate_items = off)",
    ),
    index("index nulls not distinct", "UNIQUE INDEX i[k] ON t[k] (a)[a]", " NULLS NOT DISTINCT"),
    index(
        "index statistics",
        "INDEX i[k] ON t[k] ((a + b)); [a]",
        "ALTER INDEX i[k] ALTER COLUMN 1 SET STATISTICS 50",
        "ALTER INDEX i[k] ALTER COLUMN 1 SET STATISTICS 60",
    ),
    Kind(
        "index on partitions",
        "CREATE INDEX [n] ON p (b, a, b[k]);",
        "CREATE INDEX [n] ON p (b DESC, a, b[k]);",
        base="CREATE TABLE p (a int, b int, b1 int, b2 int, b3 int, b4 int) PARTITION BY LIST (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2) PARTITION BY LIST (b);"
        "CREATE TABLE p2a PARTITION OF p2 FOR VALUES IN (1); ",
        named="public.[n]",
        rows="INSERT INTO p VALUES (1, 1), (2, 1);",
    ),
)
