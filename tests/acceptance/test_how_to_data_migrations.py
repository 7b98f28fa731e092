"""docs/how-to/data-migrations.md, from top to bottom: its commands, its edits, its test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.acceptance.test_tutorial import pattern, steps
from tests.acceptance.workplace import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workplace import Workplace

PAGE = REPOSITORY / "docs" / "how-to" / "data-migrations.md"
ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])")
BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fill_in(root: Path) -> None:
    """Apply the edits of the page to those of its files that are there."""
    for name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        folder, _, slug = name.rpartition("/")
        for path in (root / folder).glob(f"*_{ID.split(slug)[-1].lstrip('_')}"):
            (id_,) = ID.findall(path.name)
            path.write_text(edited(path.read_text(), ID.sub(id_, text)))


def edited(old: str, text: str) -> str:
    """Replace a whole file, the constants, or the functions, whichever the page shows."""
    if text.startswith("from __future__"):
        return text
    if text.startswith("def "):
        return old.partition("def upgrade")[0] + text
    for line in text.splitlines():
        name = line.partition(" = ")[0]
        old = re.sub(rf"^{name} = .*$", line, old, flags=re.MULTILINE)
    return old


def test_the_page_goes_as_it_is_written(project: Workplace) -> None:
    commands = 0
    for step in steps(PAGE):
        result = project.call("bash", "-c", f"({step.command}) 2>&1")
        assert result.code == 0, f"{PAGE.name}:{step.line}: {result.out}"
        assert pattern(step.expected).fullmatch(result.out), result.out
        fill_in(project.root)
        commands += 1
    assert commands == 5
