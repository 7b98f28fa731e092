"""`generate` writes what the lowest declared major accepts, on whichever server it proves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from limbeck.schema.sql import forms
from tests.acceptance.conftest import empty_project, project, variables

if TYPE_CHECKING:
    from tests.acceptance.workplace import Workplace

__all__ = ["empty_project", "project", "variables"]  # fixtures

TITLE = "    title: Mapped[str]\n"
VIRTUAL = (
    "    title: Mapped[str]\n"
    "    shout: Mapped[str] = mapped_column(Computed('upper(title)', persisted=False))\n"
)


def edited(place: Workplace, old: str, new: str) -> None:
    """Change the model of books."""
    path = place.root / "app" / "models" / "books.py"
    text = path.read_text().replace("import ForeignKey,", "import Computed, ForeignKey,")
    assert old in text
    path.write_text(text.replace(old, new))


def test_generate_writes_for_the_lowest_declared_major(project: Workplace) -> None:
    profile = project.root / "env_profiles" / "production.env"
    profile.write_text(f"{profile.read_text()}\nPOSTGRES={forms.OLDEST}\n")
    edited(project, TITLE, VIRTUAL)
    refused = project.run("generate")
    assert refused.code == 2
    assert "column public.books.shout: a virtual generated column exists since" in refused.err
    edited(project, VIRTUAL, TITLE.replace("title", "name"))
    answers = ("--rename", "public.books.title:public.books.name", "--json")
    written = json.loads(project.good("generate", *answers).out)
    # On Postgres 18 the NOT NULL has a name, which another revision would have to change as well.
    assert [step["verb"] for step in written["steps"]] == ["rename"]
    assert "No changes" in project.good("generate").out
