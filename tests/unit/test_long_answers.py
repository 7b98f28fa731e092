"""Long answers are readable: a line for each difference, the first of many, names in hints."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from limbeck.errors import ModelsError
from limbeck.history.revisions import Revision
from limbeck.lint.linting import Report
from limbeck.lint.rules.hazard import Hazard, Level
from limbeck.models.pull.edit.merged import Merge
from limbeck.models.pull.prove.proof import Proof
from limbeck.output import pulls
from limbeck.output.hazards import hazards_text
from limbeck.output.marks import MOST, whole
from limbeck.output.plans import plan_text, tables_text
from limbeck.output.statuses import check_text
from limbeck.plurals import listed
from limbeck.project.code import metadata, variables
from limbeck.run.drift import named
from limbeck.run.outline import Outline
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


def test_a_long_pull_names_its_files_and_a_short_one_is_a_diff(tmp_path: Path) -> None:
    models = {tmp_path / "app" / f"t{number:02}s.py": "one\ntwo\n" for number in range(MOST + 5)}
    old = {tmp_path / "app" / "t00s.py": "one\nthree\n"}
    proof = Proof({})
    few = Merge(dict(list(models.items())[:3]), old)
    assert "+two" in pulls.text("development", few, proof, None, tmp_path)
    many = Merge(models, old)
    short = pulls.text("development", many, proof, None, tmp_path).splitlines()
    assert short[:2] == ["app/t00s.py  +1 -1", "app/t01s.py  new, +2"]
    assert short[MOST] == "... and 5 more; --all shows them"
    assert short[MOST + 1] == "25 files would change; --all shows the diff, --write applies this."
    every = pulls.text("development", many, proof, None, tmp_path, every=True)
    assert every.splitlines().count("+two") == MOST + 5


def _revision(number: int) -> Revision:
    return Revision(f"{number:012}", (), f"step {number}", Path(f"{number:012}_step.py"))


def _hazard(number: int, code: str, message: str) -> Hazard:
    """Return a hazard on line 9 of a revision."""
    level: Level = "blocking" if code.endswith("blocking") else "note"
    revision = _revision(number)
    return Hazard(code, level, message, f"avoid {code}", revision.id, revision.path, 9, "")


def test_lint_states_a_rule_once_with_its_places() -> None:
    report = Report(
        tuple(map(_revision, range(3))),
        (
            _hazard(0, "set-not-null", "rows of a with NULL"),
            *(
                _hazard(number, "cached-plan", "SELECT * returns other columns")
                for number in (1, 2)
            ),
            *(_hazard(number, "index-blocking", f"writes of t{number} wait") for number in (0, 2)),
        ),
    )
    assert hazards_text(report).splitlines() == [
        "000000000000  step 0  000000000000_step.py",
        "  line 9: note: set-not-null",
        "    rows of a with NULL",
        "    Instead: avoid set-not-null",
        "",
        "In several revisions",
        "  blocking: index-blocking",
        "    000000000000 line 9: writes of t0 wait",
        "    000000000002 line 9: writes of t2 wait",
        "    Instead: avoid index-blocking",
        "  note: cached-plan",
        "    SELECT * returns other columns",
        "      000000000001 line 9",
        "      000000000002 line 9",
        "    Instead: avoid cached-plan",
        "",
        "2 blocking hazards, 3 notes in 3 revisions.",
    ]


def test_a_hundred_hazards_are_a_page_and_all_of_them_are_told() -> None:
    numbers = range(100)
    hazards = [
        *(_hazard(number, "index-blocking", f"writes of t{number} wait") for number in numbers),
        *(_hazard(number, "cached-plan", "SELECT * returns other columns") for number in numbers),
    ]
    answer = hazards_text(Report(tuple(map(_revision, numbers)), tuple(hazards)))
    assert answer.splitlines().count(f"    ... and {100 - MOST} more; --all shows them") == 1
    assert answer.splitlines().count(f"      ... and {100 - MOST} more; --all shows them") == 1
    assert len(answer.splitlines()) < 3 * MOST
    every = whole(answer)
    assert "--all" not in every
    assert all(f"{number:012} line 9: writes of t{number} wait" in every for number in numbers)
    assert all(f"      {number:012} line 9\n" in every for number in numbers)


@pytest.mark.parametrize("with_sql", [True, False])
def test_a_plan_shows_its_first_revisions_with_their_sql(with_sql: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    revisions = [
        SimpleNamespace(
            id=f"{number:012}",
            message=f"step {number}",
            sql=f"SELECT {number};",
            done=None,
            reversal=None,
            late=False,
        )
        for number in range(MOST + 280)
    ]
    plan: Any = SimpleNamespace(
        environment="production",
        destination="shop",
        protected=True,
        downgrade=False,
        current=(),
        baseline=None,
        is_empty=False,
        waiting=(),
        recording=False,
        own=(),
        revisions=revisions,
    )
    answer = plan_text(plan, with_sql=with_sql)
    assert answer.splitlines()[1] == "300 revisions to apply:"
    assert answer.splitlines()[-1] == "  ... and 280 more; --all shows them"
    assert len(answer.splitlines()) == 2 + MOST * (1 + with_sql) + 1
    assert whole(answer).count("step ") == 300
    assert whole(answer).count("SELECT") == 300 * with_sql


def test_a_wide_table_is_outlined_by_its_first_columns() -> None:
    columns = tuple(f"c{number} integer" for number in range(MOST + 5))
    text = tables_text(Outline((("books", columns),), 1, 1))
    assert text.splitlines()[1].endswith(f", c{MOST - 1} integer, and 5 more)")


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
