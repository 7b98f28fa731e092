"""What is logged: by the library to stdlib's logging, by commands as lines of JSON."""

from __future__ import annotations

import inspect
import json
import logging
import re
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from click.testing import CliRunner, Result

from limbeck import events, logs, migrate
from limbeck.cli import group, main
from limbeck.cli.invocation import Invocation
from limbeck.errors import MigrationError
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.lock import migration_lock

if TYPE_CHECKING:
    from tests.postgres.conftest import Work

PASSWORD = "s3cret"  # noqa: S105 - one to look for in the log
BLOCKER = events.Blocker(7, "me", "psql", "active", 1.5, f"ALTER ROLE me PASSWORD '{PASSWORD}'")
EXAMPLES: dict[str, events.Event] = {
    "notice": events.Notice(f"postgresql://me:{PASSWORD}@host/db was changed to its direct host"),
    "server_started": events.ServerStarted(54321, created=True),
    "branch_created": events.BranchCreated("development", None),
    "lock_waiting": events.LockWaiting("pid 4", 60.0),
    "run_started": events.RunStarted("production", "db at host", (), ("b",), ("a", "b")),
    "run_finished": events.RunFinished("production", "db at host", ("b",), ("a", "b"), 0.5),
    "run_failed": events.RunFailed(
        "production", "db", "MigrationError", "no", f"password={PASSWORD}"
    ),
    "revision_started": events.RevisionStarted("a", "authors", 1, 2),
    "revision_finished": events.RevisionFinished("a", "authors", 1, 2, 0.1),
    "revision_resumed": events.RevisionResumed("a", "authors", 3),
    "lock_not_obtained": events.LockNotObtained("a", 1, 1, 0.5, 0.1, (BLOCKER,)),
    "blocked": events.Blocked((BLOCKER,), 5.0),
    "index_progress": events.IndexProgress("public.i", "building index", 1, 4),
    "index_repaired": events.IndexRepaired("public.i", "public.t"),
    "backfill_progress": events.BackfillProgress("public.t", 10, 100, 8, 5.0, 18.0),
    "batch_not_obtained": events.BatchNotObtained("public.t", 1, 0.1, (BLOCKER,)),
    "backfill_throttled": events.BackfillThrottled("public.t", 4.5),
    "stage_started": events.StageStarted("replaying the history"),
    "stage_progress": events.StageProgress("replaying the history", 2, 300, "revision"),
}


def test_each_kind_of_event_has_an_example_here() -> None:
    assert {type(one) for one in EXAMPLES.values()} == set(get_args(events.Event))


def fields(event: events.Event) -> set[str]:
    """Return the names of an event's fields."""
    return set(inspect.get_annotations(type(event)))


def test_the_reference_has_every_event_with_its_fields() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")
    table = text.partition("| event | fields |")[2].partition("\n\n")[0].splitlines()
    for name, event in EXAMPLES.items():
        (row,) = (line for line in table if f"`{name}`" in line.split(" | ")[0])
        missing = fields(event) - set(re.findall(r"`(\w+)`", row))
        assert missing == set(), name


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_event_becomes_a_record_with_its_name_its_fields_and_a_sentence(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    event = EXAMPLES[name]
    with caplog.at_level(logging.DEBUG, "limbeck"):
        logs.log(event)
    (record,) = caplog.records
    line = json.loads(logs.JsonFormatter().format(record))
    assert line["event"] == name
    assert set(line["fields"]) == fields(event)
    assert line["message"] not in {"", str(event)}
    assert datetime.fromisoformat(line["time"]).tzinfo is not None
    assert PASSWORD not in record.getMessage() + json.dumps(line)


def test_without_a_handler_nothing_reaches_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    logs.log(events.Notice("aloud"))
    assert capfd.readouterr() == ("", "")


def two(work: Work) -> list[str]:
    work.revision("one", "create table one ()", "drop table one")
    work.revision("two", "create table two ()", "drop table two")
    return [one.id for one in work.history.revisions()]


def happened(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.__dict__["event"] for one in caplog.records if one.name == "limbeck"]


WHOLE = ["run_started", *["revision_started", "revision_finished"] * 2, "run_finished"]


def test_a_migration_of_the_library_is_logged_without_a_listener(
    work: Work, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    ids = two(work)
    with caplog.at_level(logging.INFO, "limbeck"):
        plan = migrate.plan(work.project, work.profile, database)
        migrate.apply(plan, confirm=lambda _: True)
    assert happened(caplog) == WHOLE
    fields = caplog.records[-1].__dict__["fields"]
    assert fields["applied"] == ids
    assert fields["current"] == ids[1:]
    assert fields["environment"] == "development"
    assert fields["seconds"] > 0


def test_a_failure_of_the_library_is_logged_as_an_error(
    work: Work, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    work.revision("broken", "create table no_such_schema.t ()")
    plan = migrate.plan(work.project, work.profile, database)
    with caplog.at_level(logging.INFO, "limbeck"), pytest.raises(MigrationError) as caught:
        migrate.apply(plan, confirm=lambda _: True)
    assert happened(caplog) == ["run_started", "revision_started", "run_failed"]
    record = caplog.records[-1]
    assert record.levelno == logging.ERROR
    assert record.__dict__["fields"]["error"] == "MigrationError"
    assert record.__dict__["fields"]["message"] == caught.value.message


def run(work: Work, *arguments: str) -> Result:
    """Run a command in this process."""
    root = str(work.project.root)
    return CliRunner().invoke(group, ["--project", root, *arguments], obj=Invocation())


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def named(found: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in found]


def test_the_lines_of_a_whole_migrate_are_all_that_stderr_holds(work: Work) -> None:
    ids = two(work)
    result = run(work, "migrate", "--json", "--log-json")
    found = lines(result.stderr)
    assert named(found) == ["command_started", "notice", *WHOLE, "command_finished"]
    assert all(set(one) == {"time", "level", "event", "message", "fields"} for one in found)
    assert sorted(one["time"] for one in found) == [one["time"] for one in found]
    assert found[0]["fields"]["command"].endswith(" migrate")
    assert found[-1]["fields"]["exit_code"] == 0
    done = [one["fields"]["revision"] for one in found if one["event"] == "revision_finished"]
    assert done == ids
    assert json.loads(result.stdout)["current"] == [ids[-1]]


def test_a_file_gets_the_lines_at_its_end_and_the_talk_stays(work: Work, tmp_path: Path) -> None:
    two(work)
    path = tmp_path / "log.jsonl"
    assert "one" in run(work, "migrate", "--log-json", str(path)).stderr
    first = named(lines(path.read_text(encoding="utf-8")))
    assert first[-1] == "command_finished"
    assert run(work, "status", f"--log-json={path}").exit_code == 0
    found = lines(path.read_text(encoding="utf-8"))[len(first) :]
    assert found[0]["fields"]["command"].endswith(" status")
    assert found[-1]["event"] == "command_finished"


def test_the_lines_of_a_migrate_that_fails_end_with_the_error_and_the_hint(
    work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    work.revision("broken", "create table no_such_schema.t ()")
    with pytest.raises(SystemExit) as caught:
        main(["--project", str(work.project.root), "migrate", "--log-json", "-"])
    assert caught.value.code == 1
    out, err = capsys.readouterr()
    found = lines(err)
    assert out == ""
    assert named(found)[-2:] == ["run_failed", "command_finished"]
    last = found[-1]
    assert last["level"] == "error"
    assert last["fields"]["exit_code"] == 1
    assert last["fields"]["error"] == "MigrationError"
    assert "no_such_schema" in last["fields"]["error_message"]


def test_the_lines_hold_no_password(
    work: Work, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql://me:{PASSWORD}@127.0.0.1:1/nothing"
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", url)
    commands = (["migrate"], ["status"], ["check", "-e", "development"], ["pull", "--url", url])
    for command in commands:
        with pytest.raises(SystemExit):
            main(["--project", str(work.project.root), *command, "--log-json"])
    out, err = capsys.readouterr()
    assert err.count('"command_finished"') == 4
    assert PASSWORD not in out + err


def test_who_waits_for_another_migrator_logs_who_it_is(work: Work, database: Database) -> None:
    two(work)
    free = threading.Event()

    def hold() -> None:
        with connect(database, application_name="the other") as other, migration_lock(other):
            held.set()
            free.wait(30)

    held, holder = threading.Event(), threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    timer = threading.Timer(1.0, free.set)
    timer.start()
    result = run(work, "migrate", "--log-json")
    holder.join()
    found = lines(result.stderr)
    waiting = next(one for one in found if one["event"] == "lock_waiting")
    assert waiting["level"] == "warning"
    assert "the other" in waiting["fields"]["holder"]
    assert named(found)[-2:] == ["run_finished", "command_finished"]


def test_a_file_that_cannot_be_written_is_a_wrong_use(
    work: Work, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--project", str(work.project.root), "status", f"--log-json={tmp_path}/no/log"])
    assert caught.value.code == 2
    assert "--log-json: " in capsys.readouterr().err


def test_the_logger_is_as_it_was_when_the_command_has_ended(work: Work) -> None:
    loggers = logging.getLogger("limbeck"), logging.getLogger()
    before = [(one.level, list(one.handlers)) for one in loggers]
    run(work, "status", "--log-json")
    assert [(one.level, list(one.handlers)) for one in loggers] == before
