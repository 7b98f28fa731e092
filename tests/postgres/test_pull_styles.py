"""The styles of pulled models: each makes the same schema, imports, and passes mypy."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, configure_mappers

from limbeck import generate, pull
from limbeck.errors import ConfigurationError
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.schema.catalog.read import read
from limbeck.shadow.creation import created
from limbeck.sources import Replay
from tests.postgres.conftest import REPOSITORY
from tests.postgres.test_pull import CASES, made

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog
    from tests.postgres.conftest import Work

MakeDatabase: TypeAlias = "Callable[..., Database]"
STYLES: tuple[pull.Style, ...] = ("dataclass", "sqlmodel")

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE odd AS ENUM ('1', '');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE users (id serial PRIMARY KEY, name varchar NOT NULL, email text UNIQUE,
    manager_id integer REFERENCES users, mood mood DEFAULT 'happy' NOT NULL, odd odd,
    born date, seen timestamptz DEFAULT now() NOT NULL, tags text[], about jsonb,
    score positive, shouted text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE INDEX ON users (name);
CREATE TABLE profiles (user_id integer PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    picture bytea, copy text, json jsonb, metadata jsonb, "class" text, _hidden text,
    uuid uuid DEFAULT gen_random_uuid(), datetime timestamp, model_config text, "Field" text);
CREATE TABLE letters (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id integer NOT NULL REFERENCES users, recipient_id integer REFERENCES users,
    weight numeric(8, 2) DEFAULT 0.5 NOT NULL CHECK (weight > 0));
CREATE TABLE stamps (code varchar PRIMARY KEY, price double precision NOT NULL);
CREATE TABLE letter_stamp (letter_id bigint REFERENCES letters, stamp varchar REFERENCES stamps,
    PRIMARY KEY (letter_id, stamp));
CREATE TABLE pages (letter_id bigint NOT NULL REFERENCES letters, number integer NOT NULL,
    text text NOT NULL, PRIMARY KEY (letter_id, number));
CREATE TABLE lines (id integer PRIMARY KEY, letter_id bigint NOT NULL, page integer NOT NULL,
    FOREIGN KEY (letter_id, page) REFERENCES pages);
CREATE TABLE plain (a integer, b text NOT NULL);
CREATE EXTENSION ltree;
CREATE TYPE pair AS (a integer, b text);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TABLE typed (id integer PRIMARY KEY, path ltree, doc xml, place point NOT NULL, pair pair,
    span span, spans span[], during tstzrange, numbers int4multirange, address inet)
"""
INSERTED = """
boss = m.User(name="Ann", tags=["x"])
user = m.User(name="Bob", manager=boss, email="b@example.org")
letter = m.Letter(sender=user, recipient=boss, stamps=[m.Stamp(code="A", price=0.5)])
page = m.Page(number=1, text="Dear Ann", letter=letter)
add(boss, m.Profile(user=user), page, m.Line(id=1, page_row=page))
"""


@pytest.fixture
def catalog(database: Database) -> Catalog:
    """A schema in which everything occurs that a style has to say in its own way."""
    with connect(database) as connection:
        connection.execute(SCHEMA.encode())
        return read(connection)


@pytest.fixture
def imported() -> Iterator[Callable[[str], Any]]:
    """A function that makes a module of a text."""
    made: list[str] = []

    def import_(text: str) -> Any:
        module = ModuleType(f"styled_{len(made)}_{id(made)}")
        made.append(module.__name__)
        sys.modules[module.__name__] = module
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code = compile(text, module.__name__, "exec", dont_inherit=True)
            exec(code, vars(module))  # noqa: S102 - what is tested
        return module

    yield import_
    for name in made:
        del sys.modules[name]


@pytest.mark.parametrize("style", STYLES)
def test_each_style_makes_the_same_schema_and_takes_rows(
    catalog: Catalog,
    make_database: MakeDatabase,
    imported: Callable[[str], Any],
    style: pull.Style,
) -> None:
    text = pull.source(catalog, pull.Options(layout="file", style=style))["models.py"]
    print(text)  # noqa: T201 - shown when the test fails
    models = imported(text)
    configure_mappers()
    scratch = make_database("scratch")
    made = created(models.Base.metadata, scratch)
    proof = pull.compared(catalog, made)
    assert proof.lost == ()
    assert proof.reordered == ()
    with connect(scratch) as connection, as_sqlalchemy(connection) as target:
        models.Base.metadata.create_all(target)
        with Session(target) as session:
            names = {"m": models, "add": lambda *rows: session.add_all(rows)}
            exec(INSERTED, names)  # noqa: S102 - the same rows for each
            session.flush()
            session.expire_all()
            bob = session.scalars(sa.select(models.User).where(models.User.name == "Bob")).one()
            assert bob.shouted == "BOB"
            assert bob.mood is models.Mood.HAPPY
            assert bob.manager.users_as_manager == [bob]
            assert bob.letters_as_sender[0].stamps[0].price == 0.5
            assert "Ann" in repr(bob.manager)


def test_pulled_models_pass_mypy_and_ruff(
    catalog: Catalog, make_database: MakeDatabase, tmp_path: Path
) -> None:
    # One run for all of them: most of its time goes into reading the libraries.
    usual = made(make_database(), everything())
    for style in STYLES:
        options = pull.Options(package=f"{style}_models", style=style, root=tmp_path)
        write(tmp_path / options.package, pull.source(catalog, options))
    options = pull.Options(package="declarative_models", root=tmp_path)
    write(tmp_path / options.package, pull.source(usual, options))
    write(tmp_path / "one", pull.source(usual, pull.Options(layout="file", root=tmp_path)))
    places = [f"{style}_models" for style in ("declarative", *STYLES)]
    places.append("one/models.py")
    # Its settings are strict, and its cache has SQLAlchemy, which takes mypy 16 s to read.
    own = [f"--config-file={REPOSITORY}/pyproject.toml", f"--cache-dir={REPOSITORY}/.mypy_cache"]
    for words in (["mypy", *own, "--no-error-summary"], ["ruff", "check", "-q"]):
        done = subprocess.run(
            [sys.executable, "-m", *words, *places],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == ""


def everything() -> str:
    """Return SQL for all that has a type in the usual style."""
    cases = (
        "many to many",
        "types",
        "several foreign keys to one table, self references, one to one",
        "enums, domains, composites, ranges",
        "views on views, and what hangs on them",
    )
    # Three of them have a table t.
    names = iter(("t2", "t3", "t"))
    return re.sub(
        r"TABLE t (?=\()",
        lambda _: f"TABLE {next(names)} ",
        ";".join(map(CASES.__getitem__, cases)),
    )


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write pulled models into a folder."""
    folder.mkdir()
    for path, text in files.items():
        (folder / path).write_text(text)


@pytest.mark.parametrize("style", STYLES)
def test_a_package_of_each_style_is_proved_in_a_process_of_its_own(
    catalog: Catalog, make_database: MakeDatabase, style: pull.Style
) -> None:
    options = pull.Options(package="some.models", style=style)
    files = pull.source(catalog, options)
    assert pull.prove(files, catalog, make_database("scratch"), options).exact


@pytest.mark.parametrize("style", STYLES)
def test_generate_says_no_changes_after_a_pull_in_each_style(
    work: Work, catalog: Catalog, style: pull.Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{style}_pulled"
    options = pull.Options(layout="file", package=name, style=style)
    (work.project.root / f"{name}.py").write_text(pull.source(catalog, options)["models.py"])
    project = replace(work.project, models=f"{name}:Base.metadata")
    monkeypatch.delitem(sys.modules, name, raising=False)
    assert generate.revision(project, message="as it was pulled").path
    assert generate.revision(project) == generate.Generated()
    assert Replay(project, "head").catalog().changes_to(catalog) == ()


def test_sqlmodel_is_asked_for_where_it_is_not_installed(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sqlmodel", None)
    with pytest.raises(ConfigurationError, match="sqlmodel") as raised:
        pull.source(catalog, pull.Options(style="sqlmodel"))
    assert raised.value.hint == "pip install sqlmodel"
