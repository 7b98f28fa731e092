"""docs/pulled.md shows what `pull` writes today."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from limbeck.models.pull.options import Options
from limbeck.models.pull.render import writing
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.read import read
from tests.acceptance.workplace import REPOSITORY

if TYPE_CHECKING:
    from limbeck.postgres.database import Database

PAGE = (REPOSITORY / "docs" / "pulled.md").read_text(encoding="utf-8")
PART = re.compile(r"```sql\n(.*?)\n```\n+### limbeck\n+```python\n(.*?)\n```", re.DOTALL)
PARTS = PART.findall(PAGE)
SCHEMAS = sorted((REPOSITORY / "benchmarks" / "pulled").glob("*.sql"))


def test_the_page_has_the_schemas_that_the_script_pulls() -> None:
    assert sorted(sql for sql, _ in PARTS) == sorted(path.read_text().strip() for path in SCHEMAS)


@pytest.mark.parametrize(("sql", "shown"), PARTS)
def test_limbecks_part_of_the_page_is_what_pull_writes(
    database: Database, sql: str, shown: str
) -> None:
    with connect(database) as connection:
        connection.execute(sql.encode())
        text = writing.source(read(connection, with_near=True), Options(layout="file"))["models.py"]
    assert [block for block in shown.split("\n\n\n") if block not in text] == []
