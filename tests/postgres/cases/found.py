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
)
