"""Neon's client: what it does when Neon is busy, slow, unclear, or wrong."""

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from limbeck.branches.moment import Source, parse_source
from limbeck.branches.neon import anonymized
from limbeck.branches.neon.account import Account
from limbeck.branches.neon.connection import Wanted
from limbeck.branches.neon.patience import Patience
from limbeck.branches.neon.provider import NeonBranches
from limbeck.errors import BranchError, ConfigurationError, LimbeckError, NeonError, PooledUrlError
from limbeck.postgres.database import Database
from tests.neon.faults import Fault
from tests.neon.server import StandIn


@dataclass
class Clock:
    """A time that passes only where somebody sleeps."""

    slept: list[float] = field(default_factory=list)

    def patience(self, **more: Any) -> Patience:
        """Give a patience on this clock."""
        return Patience(sleep=self.slept.append, now=lambda: sum(self.slept), **more)


def client(
    standin: StandIn, clock: Clock | None = None, operation: float = 300.0, **more: Any
) -> NeonBranches:
    """Give a client of the stand-in's that sleeps on a clock."""
    account = Account(standin.key, standin.project_id, standin.host)
    patience = (clock or Clock()).patience(operation=operation)
    return NeonBranches.of(account, patience=patience, **more)


BRANCHES = r".*/branches"


def in_a_while() -> str:
    """Return a date that comes soon, as HTTP writes it."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=15), usegmt=True)


def test_what_was_not_done_is_asked_for_again_never_sooner_than_neon_says(
    standin: StandIn,
) -> None:
    untouched: dict[str, tuple[int, dict[str, str]]] = {
        "locked": (423, {}),
        "too many, seconds": (429, {"Retry-After": "7"}),
        "too many, a date": (429, {"Retry-After": in_a_while()}),
        "unavailable": (503, {}),
    }
    for case, (status, headers) in untouched.items():
        clock = Clock()
        standin.inject(Fault("status", "POST", BRANCHES, 3, status, headers))
        made = client(standin, clock).create(case, "production")
        assert made.name == case
        assert len(clock.slept) == 3, case
        assert min(clock.slept) >= (5 if headers else 0.1), case


def test_what_stays_locked_is_given_up_in_the_end(standin: StandIn) -> None:
    standin.inject(Fault("status", times=1000, status=423))
    clock = Clock()
    with pytest.raises(NeonError, match="injected 423") as caught:
        client(standin, clock).all()
    assert 40 < sum(clock.slept) <= 60
    assert (caught.value.status, caught.value.request_id) == (423, "r-1")
    assert caught.value.hint
    assert standin.key not in str(caught.value)


def test_a_longer_wait_than_the_patience_is_not_shortened(standin: StandIn) -> None:
    standin.inject(Fault("status", times=9, status=429, headers={"Retry-After": "3600"}))
    clock = Clock()
    with pytest.raises(NeonError, match="429"):
        client(standin, clock).all()
    assert clock.slept == []


UNCLEAR: dict[str, tuple[str, str, Callable[[NeonBranches], Any]]] = {
    "create": ("POST", BRANCHES, lambda p: p.create("new", "production")),
    "delete": ("DELETE", ".*", lambda p: p.delete("leaf")),
    "rename": ("PATCH", ".*", lambda p: p.rename("leaf", "flower")),
    "end": ("PATCH", ".*", lambda p: p.set_expiration("leaf", later())),
    "reset": ("POST", ".*/restore", lambda p: p.reset("leaf")),
    "default": ("POST", ".*/set_as_default", lambda p: p.set_default("leaf")),
    "snapshot": ("POST", ".*/snapshot", lambda p: p.snapshot("leaf", "kept")),
    "start": ("POST", ".*/start", lambda p: p.url("leaf")),
}


def later() -> datetime:
    """Give a time to come, in whole seconds."""
    return (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)


@pytest.mark.parametrize("case", UNCLEAR)
def test_a_change_whose_answer_was_lost_is_looked_for_and_done_once(
    standin: StandIn, case: str
) -> None:
    """Without the look the second attempt would be refused, or do it twice."""
    method, path, change = UNCLEAR[case]
    for kind, sent in (("drop-before", 2), ("drop-after", 1), ("gateway", 1)):
        provider = client(standin)
        leaf = provider.create("leaf", "production")
        standin.project.compute_of(standin.project.find(leaf.id or "")).state = "idle"
        standin.inject(Fault(kind, method, path))
        standin.log.clear()
        change(provider)
        assert sum(1 for each, _ in standin.log if each == method) == sent, kind
        provider.set_default("production")
        for branch in provider.all():
            if branch.name != "production":
                provider.delete(branch.name)
        standin.project.snapshots.clear()


def test_a_request_that_cannot_have_arrived_is_sent_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    clock = Clock()
    account = Account("napi_secret", "p", f"http://127.0.0.1:{port}")
    with pytest.raises(NeonError, match="could not be reached"):
        NeonBranches.of(account, patience=clock.patience()).all()
    assert len(clock.slept) == 4


def test_slow_operations_are_waited_for(standin: StandIn) -> None:
    standin.project.slowness = 4
    clock = Clock()
    provider = client(standin, clock, operation=20.0)
    provider.create("development", "production")
    assert len(clock.slept) == 4
    standin.project.slowness = 10_000
    with pytest.raises(NeonError, match="is still running after 20 s"):
        provider.reset("development")
    assert max(clock.slept) <= 2


@pytest.mark.parametrize("outcome", ["failed", "error", "cancelled"])
def test_an_operation_that_fails_is_an_error(standin: StandIn, outcome: str) -> None:
    standin.project.outcome = outcome
    with pytest.raises(NeonError, match=f"create_branch .* {outcome}"):
        client(standin).create("development", "production")


def test_lists_are_read_to_their_end(standin: StandIn) -> None:
    standin.page = 2
    provider = client(standin)
    for number in range(4):
        provider.create(f"b{number}", "production")
    assert len(provider.all()) == 5
    assert provider.get("b3").parent == "production"


def test_a_list_that_does_not_end_is_an_error(standin: StandIn) -> None:
    standin.repeat_cursor = True
    with pytest.raises(NeonError, match="has no end"):
        client(standin).all()


def test_a_branch_that_somebody_else_deleted_meanwhile_is_deleted(standin: StandIn) -> None:
    provider = client(standin)
    leaf = provider.create("leaf", "production")
    answer = provider.api.change("DELETE", f"/branches/{leaf.id}", look=lambda: None)
    assert answer["branch"]["id"] == leaf.id
    assert provider.api.change("DELETE", f"/branches/{leaf.id}", look=lambda: None) == {}


def test_a_name_taken_meanwhile_is_neons_refusal(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = client(standin)
    provider.create("taken", "production")
    monkeypatch.setattr("limbeck.branches.base.refuse_existing", lambda *_: None)
    with pytest.raises(NeonError, match="already exists") as caught:
        provider.create("taken", "production")
    assert (caught.value.status, caught.value.code) == (409, "BRANCH_ALREADY_EXISTS")


WRONG = {
    "key": (lambda s: Account("napi_wrong", s.project_id, s.host), 401, "NEON_API_KEY"),
    "project": (lambda s: Account(s.key, "another", s.host), 404, "NEON_PROJECT_ID"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_account_says_which_setting_is_wrong(standin: StandIn, case: str) -> None:
    make, status, setting = WRONG[case]
    with pytest.raises(NeonError) as caught:
        NeonBranches.of(make(standin)).all()
    assert caught.value.status == status
    assert setting in (caught.value.hint or "")


def test_the_key_is_sent_to_https_or_this_machine_only() -> None:
    for host in ("http://console.neon.tech/api/v2", "console.neon.tech", "ftp://x", ""):
        with pytest.raises(ConfigurationError, match="NEON_API_HOST"):
            Account("napi_secret", "p", host)


def test_no_secret_is_in_a_repr_a_log_or_a_traceback(
    standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = client(standin)
    words = [repr(provider), repr(provider.api), repr(vars(provider.api)), str(provider)]
    standin.inject(Fault("drop-before", "GET", times=99))
    standin.inject(Fault("status", "POST", times=99, status=500))
    for attempt in (provider.all, lambda: provider.api.change("POST", "/x", look=lambda: None)):
        try:
            attempt()
        except LimbeckError as error:
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            words.append("".join(shown.format()))
    words.append(caplog.text)
    assert len(words) == 7
    for secret in standin.secrets:
        assert not [each for each in words if secret in each]


# Connections


def test_the_url_is_the_named_branchs_and_never_the_default_ones(standin: StandIn) -> None:
    provider = client(standin)
    provider.create("development", "production")
    compute = standin.project.compute_of(standin.project.named("development"))
    assert compute is not None
    assert compute.id in provider.url("development")
    compute.id, kept = "ep-another-0001", compute.id
    standin.project.computes[compute.id] = standin.project.computes.pop(kept)
    for row in standin.project.rows.values():
        row.default = row.name == "production"
    standin.project.compute_of(standin.project.named("production"))
    assert "ep-another-0001" in provider.url("development")


def test_a_url_of_another_compute_is_refused(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of an API that forgets the branch and answers with the default one."""
    provider = client(standin)
    provider.create("development", "production")
    production = provider.url("production")
    asked = provider.api.get

    def forgetful(path: str, **query: Any) -> dict[str, Any]:
        return {"uri": production} if path == "/connection_uri" else asked(path, **query)

    monkeypatch.setattr(provider.api, "get", forgetful)
    with pytest.raises(NeonError, match='for the branch "development"'):
        provider.url("development")


def test_the_pooled_url_is_for_the_application_only(standin: StandIn) -> None:
    provider = client(standin)
    direct, pooled = provider.url("production"), provider.url("production", pooled=True)
    assert pooled == direct.replace(".eu-", "-pooler.eu-", 1)
    with psycopg.connect(pooled) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(PooledUrlError):
        Database.from_url("production", pooled)
    assert Database.from_url("production", direct).dbname == "neondb"


def test_a_compute_that_sleeps_is_started(standin: StandIn) -> None:
    compute = standin.project.compute_of(standin.project.named("production"))
    assert compute is not None
    compute.state = "idle"
    client(standin).url("production")
    assert compute.state == "active"
    assert standin.requests("POST", f"/endpoints/{compute.id}/start") == 1


def test_a_branch_without_a_compute_says_how_to_get_one(standin: StandIn) -> None:
    standin.project.computes.clear()
    with pytest.raises(BranchError, match="no compute"):
        client(standin).url("production")


def test_which_of_several_databases_has_to_be_said(standin: StandIn) -> None:
    standin.project.named("production").databases["other"] = standin.storage.empty()
    with pytest.raises(ConfigurationError, match="neondb, other") as caught:
        client(standin).url("production")
    assert "NEON_DATABASE" in (caught.value.hint or "")
    chosen = client(standin, wanted=Wanted("other"))
    assert "/other?" in chosen.url("production")
    assert "/neondb?" in chosen.url("production", database="neondb")
    assert chosen.databases("production") == ("neondb", "other")


# What only Neon can do


def test_a_branch_is_made_and_restored_as_it_was_at_a_moment(standin: StandIn) -> None:
    provider = client(standin)

    def run(branch: str, statement: str) -> Any:
        with psycopg.connect(provider.url(branch), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchone() if cursor.description else None

    run("production", "CREATE TABLE t AS SELECT generate_series(1, 3) AS id")
    past = standin.project.remember("production")
    run("production", "DELETE FROM t")
    source = parse_source(f"production@{past.time.isoformat()}")
    provider.create("then", source.branch, at=source.at)
    provider.create("now", "production")
    lsn = parse_source(f"^self@{past.lsn >> 32:X}/{past.lsn & 0xFFFFFFFF:X}")
    with pytest.raises(BranchError, match="has children"):
        provider.restore("production", lsn)
    provider.restore("production", lsn, preserve_under="wrong")
    counted = [run(name, "SELECT count(*) FROM t") for name in ("then", "production", "wrong")]
    assert counted == [(3,), (3,), (0,)]
    assert provider.get("now").parent == "wrong"
    with pytest.raises(NeonError, match="outside of the branch's history"):
        provider.create("x", "production", at=parse_source("2020-01-01T00:00:00Z").at)


RULE = {
    "database_name": "neondb",
    "schema_name": "public",
    "table_name": "users",
    "column_name": "email",
    "masking_function": "anon.dummy_free_email()",
}


def test_an_anonymized_branch_is_given_once_it_is_masked(standin: StandIn) -> None:
    clock = Clock()
    made = client(standin, clock).create("masked", "production", masking=[RULE])
    assert made.parent == "production"
    assert standin.project.named("masked").masking == "anonymized"
    assert len(clock.slept) == 1


def test_masking_rules_are_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([RULE]))
    assert anonymized.rules(path) == (RULE,)
    for text in ("", "{}", "[]", '[{"table_name": "users"}]', "[1]"):
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=r"rules\.json"):
            anonymized.rules(path)


def test_branches_that_a_profile_protects_are_protected(standin: StandIn) -> None:
    provider = client(standin, protected=frozenset({"staging"}))
    provider.create("staging", "production")
    for attempt in (lambda: provider.delete("staging"), lambda: provider.reset("staging")):
        with pytest.raises(BranchError, match="protected"):
            attempt()


def test_the_default_branch_is_not_deleted(standin: StandIn) -> None:
    with pytest.raises(BranchError, match="default"):
        client(standin).delete("production")


def test_a_branch_is_named_by_its_id_too(standin: StandIn) -> None:
    provider = client(standin)
    made = provider.create("development", "production")
    assert provider.get(made.id or "") == made
    provider.reset(made.id or "", provider.get("production").id)
    provider.restore("development", Source(provider.get("production").id))
