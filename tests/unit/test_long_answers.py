"""Long answers are readable: a line for each difference, the first of many, names in hints."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck.errors import ModelsError
from limbeck.output.marks import MOST, whole
from limbeck.output.statuses import check_text
from limbeck.plurals import listed
from limbeck.project.code import metadata, variables
from limbeck.run.drift import named
from limbeck.run.status import Finding
from limbeck.schema.catalog.catalog import Change
from limbeck.schema.catalog.objects.address import Address


def test_the_first_of_many_names_are_listed() -> None:
    names = [f"a{number}" for number in range(112)]
    assert listed(names) == ", ".join(names[:10]) + ", and 102 more"
    assert listed(names[:10]) == ", ".join(names[:10])
    assert listed([]) == ""


def test_a_check_has_a_line_for_each_difference() -> None:
    changes = tuple(
        Change(Address("view", "public", f"e{number:02}"), None, None) for number in range(MOST + 7)
    )
    finding = Finding("unrecorded", None, f"they differ: {named(changes)}", "generate", changes)
    answer = check_text([finding], live=False)
    first, *lines, more, hint = answer.splitlines()
    assert first == "project: they differ:"
    assert len(lines) == MOST
    assert all(str(change.address) in line for change, line in zip(changes, lines, strict=False))
    assert (more.strip(), hint.strip()) == ("... and 7 more; --all shows them", "generate")
    first, *lines, hint = whole(answer).splitlines()
    assert (first, len(lines), hint.strip()) == ("project: they differ:", MOST + 7, "generate")


PYDANTIC = """2 validation errors for Settings
POSTGRES_SERVER
  Field required [type=missing, input_value={'url': 1}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.11/v/missing
secret_key
  Field required [type=missing, input_value={'url': 1}, input_type=dict]"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (PYDANTIC, ("POSTGRES_SERVER", "secret_key")),
        ("SECRET_KEY not found. Declare it as envvar or define a default value.", ("SECRET_KEY",)),
        ('Environment variable "DATABASE_URL" not set', ("DATABASE_URL",)),
        ("Set the DATABASE_URL environment variable", ("DATABASE_URL",)),
        ("Expected string or URL object, got None", ("DB_URL", "DB_NAME")),
        ("name 'Usr' is not defined", ()),
        ("duplicate key MAX_ROWS", ()),
    ],
    ids=["pydantic", "decouple", "environs", "an own one", "getenv", "a NameError", "a constant"],
)
def test_the_variables_that_an_import_lacks_are_named(
    text: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "settings.py"
    file.write_text('URL = os.getenv("DB_URL")\nN = os.environ.get(\'DB_NAME\')\nS = getenv("SET")')
    assert variables.missing(text, [str(file)], {"SET": "1"}) == names


@pytest.mark.parametrize(
    "text", ['os.environ["ADOPT_URL"]', 'raise_(ValueError("ADOPT_URL is not set"))']
)
def test_the_hint_of_an_import_names_its_variable(text: str, tmp_path: Path) -> None:
    lines = f"import os\ndef raise_(error): raise error\n{text}\n"
    (tmp_path / "adopted_models.py").write_text(lines)
    with pytest.raises(ModelsError, match=r"adopted_models\.py line [23]: .*ADOPT_URL") as caught:
        metadata.load(tmp_path, "adopted_models:Base")
    assert (caught.value.hint or "").startswith("Set ADOPT_URL, or name a file that does")
