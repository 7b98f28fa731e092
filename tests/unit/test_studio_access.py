"""Who is let in to `limbeck studio`, and what the pages may do in the browser."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from limbeck.cli import group
from limbeck.studio.guard import Access, Guard

if TYPE_CHECKING:
    from starlette.requests import Request

ADDRESS = "http://127.0.0.1:8123"


def secret(_: Request) -> PlainTextResponse:
    return PlainTextResponse("secret")


def browser(access: Access) -> TestClient:
    app = Starlette(routes=[Route("/secret", secret)])
    return TestClient(Guard(app, access), base_url=ADDRESS)


def test_only_a_token_lets_in_and_the_cookie_after_it() -> None:
    access = Access(8123)
    client = browser(access)
    assert client.get("/secret").status_code == 403
    assert client.get("/?token=wrong").status_code == 403
    assert client.get(f"/secret?token={access.token}").status_code == 403
    answer = client.get(access.address)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("limbeck-studio-8123=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert access.token not in cookie + answer.text
    assert client.get("/secret").text == "secret"
    assert browser(access).get("/secret", headers={"cookie": "x"}).status_code == 403


def test_the_address_of_the_started_browser_counts_once() -> None:
    access = Access(8123)
    ticket = access.ticket()
    assert [browser(access).get(ticket).status_code for _ in range(2)] == [200, 403]
    assert [browser(access).get(access.address).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:9", "[::1]:8123", ""])
def test_another_name_of_the_machine_is_refused_even_with_the_token(host: str) -> None:
    access = Access(8123)
    answer = browser(access).get(access.address, headers={"host": host})
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_there_is_nothing_to_change(method: str) -> None:
    access = Access(8123)
    client = browser(access)
    client.get(access.address)
    assert client.request(method, "/secret").status_code == 405


def test_every_answer_forbids_scripts_of_others_frames_and_caches() -> None:
    access = Access(8123)
    client = browser(access)
    for answer in (client.get("/secret"), client.get(access.address), client.get("/secret")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


def written(root: Path) -> str:
    (root / "alembic").mkdir()
    (root / "pyproject.toml").write_text("[tool.limbeck]\n")
    (root / "env_profiles").mkdir()
    return str(root)


@pytest.mark.parametrize("words", [["studio"], ["report", "--out", "x.html"]])
def test_without_the_extra_the_error_names_it(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    answer = CliRunner().invoke(group, ["--project", written(tmp_path), *words])
    error = answer.exception
    assert getattr(error, "exit_code", None) == 2
    assert getattr(error, "hint", None) == "pip install 'limbeck[studio]'"


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        words = ["--project", written(tmp_path), "studio", "--no-browser", "--port", port]
        answer = CliRunner().invoke(group, words)
    assert f"port {port} is not free" in str(answer.exception)
