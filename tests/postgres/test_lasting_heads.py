"""A history with several folders and heads that stay: no command takes them for a mistake."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from limbeck import migrate
from limbeck.errors import SeveralHeadsError
from limbeck.generate.answers import Answers
from limbeck.generate.generate import revision
from limbeck.history.history import History
from limbeck.lint.since import added
from limbeck.postgres.database import Database
from limbeck.run import environments
from limbeck.settings import Project
from tests.postgres.conftest import Work

FOLDERS = ("shop", "billing")
INI = "[alembic]\nscript_location = alembic\nversion_locations = {}\n"


@dataclass(frozen=True)
class Written:
    """A revision file: its folder, the ids that it follows, its labels and other needs."""

    id: str
    folder: str
    down: str | None = None
    label: str | None = None
    needs: str | None = None

    def write(self, root: Path) -> None:
        """Write the file of a project; it creates a table of the revision's name."""
        path = root / "alembic" / self.folder / f"{self.id}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"from alembic import op\nrevision = {self.id!r}\ndown_revision = {self.down!r}\n"
            f"branch_labels = {self.label!r}\ndepends_on = {self.needs!r}\n\n\n"
            f"def upgrade() -> None:\n    op.execute('create table {self.id} ()')\n\n\n"
            f"def downgrade() -> None:\n    op.execute('drop table {self.id}')\n"
        )


SHOP = Written("a1", "shop", label="shop")
SHOP_2 = Written("a2", "shop", "a1")
BILLING = Written("b1", "billing", label="billing", needs="a1")
HISTORIES = {
    "a label for each, one needs the other": ((SHOP, SHOP_2, BILLING), ("shop", "billing")),
    "labels in one folder": (
        (Written("a1", "shop", label="shop"), Written("b1", "shop", label="billing")),
        ("shop", "billing"),
    ),
    "a folder for each": (
        (Written("a1", "shop"), Written("b1", "billing")),
        ("shop", "billing"),
    ),
    "one head across the folders": ((SHOP, Written("b1", "billing", "a1")), ()),
    "two heads of one label": ((SHOP, SHOP_2, Written("a3", "shop", "a1"), BILLING), None),
    "two heads without labels": ((Written("a1", "shop"), Written("b1", "shop")), None),
}


def project(root: Path, *files: Written) -> Project:
    for file in files:
        file.write(root)
    folders = " ".join(f"alembic/{name}" for name in FOLDERS)
    (root / "alembic.ini").write_text(INI.format(folders))
    (root / "pyproject.toml").write_text('[tool.limbeck]\nmodels = "models:metadata"\n')
    return Project.find(root)


@pytest.mark.parametrize("name", HISTORIES)
def test_heads_with_a_label_or_a_folder_of_their_own_stay(name: str, tmp_path: Path) -> None:
    files, names = HISTORIES[name]
    history = History.of(project(tmp_path, *files))
    assert {each.id for each in history.revisions()} == {each.id for each in files}
    assert history.lasting() == (names or ())
    if names is None:
        with pytest.raises(SeveralHeadsError, match="the history has"):
            history.find("head")
        return
    assert history.find("head") == history.heads()
    if names:  # a new revision would have to follow one of them
        with pytest.raises(SeveralHeadsError, match=", ".join(names)) as caught:
            history.head()
        assert caught.value.hint.startswith("alembic revision --autogenerate --head a")


def test_every_command_works_on_heads_that_stay(work: Work, database: Database) -> None:
    work.models("for name in ('a1', 'a2', 'b1'): Table(name, metadata)\n")
    own = project(work.project.root, SHOP, SHOP_2, BILLING)
    profile = own.profile()
    assert environments.check(own, []) == ()
    migrate.apply(migrate.plan(own, profile, database), confirm=lambda _: True)
    (status,) = environments.status(own, [profile])
    assert (status.current, status.pending, status.drift, status.heads) == (
        ("a2", "b1"), (), (), ()
    )  # fmt: skip
    assert environments.check(own, [profile]) == ()
    back = migrate.rollback_plan(own, profile, database, to="a1")
    assert [each.id for each in back.revisions] == ["b1", "a2"]


def test_a_revision_goes_into_the_folder_of_the_one_that_it_follows(work: Work) -> None:
    work.models("for name in ('a1', 'b1', 'new'): Table(name, metadata)\n")
    own = project(work.project.root, SHOP, Written("b1", "billing", "a1"))
    assert revision(own, answers=Answers()).revision
    assert len(list((own.script_location / "billing").glob("*.py"))) == 2


def test_a_branch_of_git_adds_revisions_to_any_folder(tmp_path: Path) -> None:
    own = project(tmp_path, SHOP, BILLING)
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    SHOP_2.write(tmp_path)
    assert [each.id for each in added(History.of(own), "HEAD")] == ["a2"]
