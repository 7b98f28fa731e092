"""What docs/how-to/profiles.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from limbeck import settings
from limbeck.errors import ConfigurationError
from limbeck.project.profile import KEYS
from limbeck.settings import Project

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "profiles.md"
SHOWN = re.findall(r"^Error: (.*)\nHint: (.*)$", PAGE.read_text(), re.MULTILINE)
URLS = [
    "",
    "postgresql://me:pass@word@db.example.com/app",
    "postgresql://me:p@ep-cool-1-pooler.eu-central-1.aws.neon.tech/neondb",
    "postgresql://me:p@db.example.com/app?sslmode=disable",
]


@pytest.mark.parametrize(("url", "shown"), list(zip(URLS, SHOWN, strict=True)))
def test_each_error_on_the_page_is_the_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, shown: tuple[str, str]
) -> None:
    monkeypatch.delenv("DATABASE_URL_STAGING", raising=False)
    (tmp_path / "pyproject.toml").write_text("[tool.limbeck]\n")
    (tmp_path / "env_profiles").mkdir()
    (tmp_path / "env_profiles" / "staging.env").write_text("PARENT=production\n")
    (tmp_path / ".env").write_text(f"DATABASE_URL_STAGING='{url}'\n")
    project = Project.find(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        settings.database(project, project.profile("staging"))
    assert (caught.value.message, caught.value.hint) == shown


def test_every_key_of_a_profile_is_in_the_reference() -> None:

    reference = (PAGE.parents[1] / "reference.md").read_text()
    assert [key for key in KEYS if f"| `{key}` |" not in reference] == []
