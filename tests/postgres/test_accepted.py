"""Differences between the history and the models that a project accepts or ignores."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from limbeck import generate
from limbeck.engine import running
from limbeck.errors import ConfigurationError
from limbeck.events import Event, Notice
from limbeck.generate.accepting import accept
from limbeck.history import accepted
from limbeck.project.ignored import ignored
from limbeck.run.environments import check, status
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import NotNull
from limbeck.schema.catalog.objects.types import DomainCheck
from limbeck.schema.diff.spelling import spelled

if TYPE_CHECKING:
    import psycopg

    from tests.postgres.conftest import Work

ONE = "Table('one', metadata, Column('id', Integer, primary_key=True), Column('n', Text){}){}"
HISTORY = "CREATE TABLE one (id serial PRIMARY KEY, n text{}){};"


@dataclass(frozen=True)
class Case:
    """What the history makes, and what the models describe instead; `kind` ignores it."""

    history: str
    models: str
    lines: tuple[str, ...]
    kind: str = ""


CASES = {
    "a default": Case(
        HISTORY.format(" DEFAULT 'x'", ""),
        ONE.format("", ""),
        ("column public.one.n default",),
        "defaults",
    ),
    "the name of a constraint": Case(
        HISTORY.format(", CONSTRAINT old UNIQUE (n)", ""),
        ONE.format(", UniqueConstraint('n', name='new')", ""),
        ("constraint public.one.old name",),
        "constraint-names",
    ),
    "the name of an index": Case(
        HISTORY.format("", "; CREATE INDEX old ON one (n)"),
        ONE.format(", Index('new', 'n')", ""),
        ("index public.old name",),
        "constraint-names",
    ),
    "a comment": Case(
        HISTORY.format("", "; COMMENT ON TABLE one IS 'the first'"),
        ONE.format("", ""),
        ("table public.one comment",),
        "comments",
    ),
    "a function": Case(
        HISTORY.format("", "; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
        ONE.format("", ""),
        ("function public.f()",),
        "functions",
    ),
    "an extension": Case(
        HISTORY.format("", "; CREATE EXTENSION citext"),
        ONE.format("", ""),
        ("extension citext",),
        "extensions",
    ),
    "a type": Case(
        HISTORY.format(", k varchar(20)", ""),
        ONE.format(", Column('k', Text)", ""),
        ("column public.one.k type",),
    ),
    "a table that only the history has": Case(
        HISTORY.format("", "; CREATE TABLE two (id int PRIMARY KEY, one int REFERENCES one)"),
        ONE.format("", ""),
        ("table public.two",),
    ),
    "a table that only the models have": Case(
        HISTORY.format("", ""),
        ONE.format("", "\nTable('two', metadata, Column('id', ForeignKey('one.id')))"),
        ("table public.two",),
    ),
}


def recorded(work: Work, case: Case) -> None:
    """Record the history of a case, and write its models."""
    work.revision("first", case.history)
    models(work, case.models)


def models(work: Work, text: str) -> None:
    work.models(text)
    sys.modules.pop("models", None)


def problems(work: Work) -> list[str]:
    sys.modules.pop("models", None)
    return [finding.text for finding in check(work.project, [])]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_accepted_difference_is_left_out(case: Case, work: Work) -> None:
    recorded(work, case)
    assert len(problems(work)) == 1
    sys.modules.pop("models", None)
    acceptance = accept(work.project, reason='it\'s "old"')
    assert tuple(f"{e.object} {e.attribute}".strip() for e in acceptance.added) == case.lines
    assert accepted.read(work.project) == acceptance.added
    assert problems(work) == []
    models(work, case.models + "\nmetadata.tables['one'].append_column(Column('late', Integer))")
    heard: list[Event] = []
    generated = generate.revision(work.project, listen=heard.append)
    assert [step.address.part for step in generated.steps] == ["late"]
    assert Notice("1 accepted difference left out") in heard
    assert problems(work) == []


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.kind])
def test_an_ignored_kind_is_left_out(name: str, work: Work) -> None:
    case = CASES[name]
    recorded(work, case)
    ignoring = replace(work, project=replace(work.project, ignore=ignored({case.kind: ["*"]})))
    assert problems(ignoring) == []
    other = replace(work, project=replace(work.project, ignore=ignored({case.kind: ["x.*"]})))
    assert len(problems(other)) == 1


def test_an_ignored_kind_is_no_drift(work: Work, connection: psycopg.Connection) -> None:
    work.revision("first", HISTORY.format("", ""))
    running.upgrade(work.history, connection)
    connection.execute("COMMENT ON TABLE one IS 'by hand'")
    connection.execute("ALTER TABLE one ALTER n SET DEFAULT 'x'")
    project = replace(work.project, ignore=ignored({"comments": ["*"]}))
    (state,) = status(project, [work.profile])
    assert [str(change.address) for change in state.drift or ()] == ["column public.one.n"]


def test_an_entry_holds_for_exactly_its_values(work: Work) -> None:
    work.revision("first", HISTORY.format(" DEFAULT 'x'", ""))
    models(work, ONE.format("", ""))
    accept(work.project)
    models(work, ONE.format("", "").replace("Text", "Text, server_default='other'"))
    heard: list[Event] = []
    sys.modules.pop("models", None)
    (finding,) = check(work.project, [], listen=heard.append)
    assert "column public.one.n" in finding.text
    idle = (
        "accepted.toml: the entry for column public.one.n default applies to no difference any more"
    )
    assert Notice(idle) in heard
    models(work, ONE.format("", "").replace("Text", "Text, server_default='other'"))
    assert len(accept(work.project, prune=True).idle) == 1
    (entry,) = accepted.read(work.project)
    assert entry.models == "'other'::text"


def test_an_entry_reads_as_sql_and_one_of_before_counts(work: Work) -> None:
    work.revision("first", HISTORY.format("", ""))
    models(work, ONE.format("", "").replace("Text", "Text, nullable=False"))
    accept(work.project)
    (entry,) = accepted.read(work.project)
    assert (entry.attribute, entry.models) == ("not_null", "CONSTRAINT one_n_not_null NOT NULL")
    former = (
        "NotNull(name='one_n_not_null', no_inherit=False, validated=True, inherited=False, "
        "comment=None)"
    )
    accepted.write(work.project, [replace(entry, models=former)])
    sys.modules.pop("models", None)
    assert check(work.project, []) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NotNull(name=None, validated=False), "NOT NULL NOT VALID"),
        (
            NotNull(name="a", no_inherit=True, inherited=True, comment="x y"),
            "CONSTRAINT a NOT NULL NO INHERIT inherited with the comment x y",
        ),
        (("x", "y"), "x, y"),
        ((DomainCheck(name="c", definition="CHECK (true)"),), "name c, definition CHECK (true)"),
        (Address("table", "public", "a"), "table public.a"),
    ],
)
def test_a_value_is_spelled_without_words_of_python(value: object, text: str) -> None:
    assert spelled(value) == text


def test_only_named_objects_are_accepted(work: Work) -> None:
    work.revision(
        "first", HISTORY.format(" DEFAULT 'x'", "; CREATE INDEX i ON one (n); CREATE TABLE two ()")
    )
    models(work, ONE.format("", ""))
    for name, objects in {
        "public.two": ["table public.two"],
        "public.one": ["column public.one.n", "index public.i"],
        "one.n": ["column public.one.n"],
    }.items():
        acceptance = accept(work.project, names=[name], confirm=lambda _: False)
        assert [entry.object for entry in acceptance.added] == objects
        sys.modules.pop("models", None)
    assert accepted.read(work.project) == ()
    sys.modules.pop("models", None)
    with pytest.raises(ConfigurationError, match=r"public\.three names no difference"):
        accept(work.project, names=["public.three"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accepted = [", "cannot be read"),
        ("accepted = [{}]", "without an object"),
        ("accepted = ['x']", "without an object"),
    ],
)
def test_a_broken_file_is_an_error(work: Work, text: str, message: str) -> None:
    accepted.path(work.project).write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        accepted.read(work.project)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ([], "is not a table"),
        ({"colour": ["*"]}, "has no kind colour"),
        ({"comments": "*"}, "is not a list of strings"),
    ],
)
def test_a_wrong_setting_is_an_error(setting: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ignored(setting)


def test_an_entry_is_one_line_of_toml(work: Work) -> None:
    entry = accepted.Entry("table public.a\n\u00e9", "comment", "a\tb", None, 'it is "\x7f"')
    file = accepted.write(work.project, [entry])
    assert accepted.read(work.project) == (entry,)
    assert sum("object" in line for line in file.read_text().splitlines()) == 1


def test_what_is_no_kind_of_difference_has_a_hint_of_its_own(work: Work) -> None:
    for kind, hint in (("column-order", "is never a difference"), ("tables", "exclude-tables")):
        with pytest.raises(ConfigurationError) as caught:
            ignored({kind: ["*"]})
        assert hint in (caught.value.hint or "")
    recorded(work, Case("CREATE TABLE one (n text, id serial PRIMARY KEY)", ONE.format("", ""), ()))
    assert problems(work) == []
