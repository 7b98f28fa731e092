"""The client of Neon's API, which repeats requests where that is safe."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

from limbeck.branches.neon.account import Account
from limbeck.branches.neon.answer import Answer, Lost, refusal, unknown
from limbeck.branches.neon.patience import Patience, retry_after
from limbeck.dataclass import dataclass
from limbeck.errors import NeonError

Json: TypeAlias = dict[str, Any]
Look: TypeAlias = Callable[[], Json | None]
"""Checks whether a change has happened; returns what its answer would have been, or None."""

AGENT = "limbeck (schema changes for Postgres)"
PAGE = 100


@dataclass(frozen=True, slots=True)
class Request:
    """One request; the path is relative to the API's address."""

    method: str
    path: str
    query: Json = field(default_factory=dict)
    body: Json | None = field(default=None, repr=False)
    look: Look | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Its name in errors, without query and body."""
        return f"{self.method} {self.path}"


class Api:
    """A client of the API for one project; its connections are closed with it.

    Every call raises a NeonError for a refusal of Neon's and for a connection that fails.
    """

    def __init__(self, account: Account, patience: Patience | None = None) -> None:
        self.project = quote(account.project, safe="")
        self.patience = patience or Patience()
        self._redact = account.redact
        self._client = httpx.Client(
            base_url=account.host.rstrip("/"),
            auth=_Bearer(account),
            headers={"User-Agent": AGENT, "Accept": "application/json"},
            timeout=httpx.Timeout(self.patience.read, connect=self.patience.connect),
        )
        weakref.finalize(self, self._client.close)

    def get(self, path: str, **query: Any) -> Json:
        """Return a resource of the project, by its path relative to the project's."""
        return self._done(Request("GET", self._path(path), query))

    def pages(self, path: str, items: str, **query: Any) -> Iterator[Json]:
        """Yield the items of a list, page by page.

        Raises:
            NeonError: a page names itself, or an earlier one, as the next.

        """
        for data in self._pages(self._path(path), items, query):
            yield from data.get(items) or ()

    def projects(self, part: str, organisation: str | None = None) -> Iterator[Json]:
        """Yield the projects of the account whose name or id has a part.

        Raises:
            NeonError: Neon knows of projects that it cannot describe at the moment.

        """
        query = {"search": part, "org_id": organisation}
        for data in self._pages("/projects", "projects", query):
            if unknown_ids := data.get("unavailable_project_ids"):
                raise NeonError(
                    f"Neon could not describe all projects: {', '.join(map(str, unknown_ids))}",
                    hint="Try again in a minute. Its state: https://neonstatus.com",
                )
            yield from data.get("projects") or ()

    def _pages(self, path: str, items: str, query: Json) -> Iterator[Json]:
        seen: set[str] = set()
        more = {**query, "limit": PAGE}
        while True:
            data = self._done(Request("GET", path, dict(more)))
            yield data
            marks = data.get("pagination") or {}
            cursor = marks.get("next") or marks.get("cursor")
            if not cursor or not data.get(items):
                return
            if cursor in seen:
                raise NeonError(f"Neon's list has no end: it names the page {cursor} twice")
            seen.add(cursor)
            more["cursor"] = cursor

    def change(
        self, method: str, path: str, body: Json | None = None, *, look: Look, **query: Any
    ) -> Json:
        """Send a change and return its answer.

        Args:
            method: The HTTP method.
            path: The path relative to the project's.
            body: The body of the request.
            look: Checks after a broken connection whether the change has happened.
            query: Parameters of the URL; None leaves one out.

        """
        return self._done(Request(method, self._path(path), query, body, look))

    def _path(self, path: str) -> str:
        return f"/projects/{self.project}{path}"

    def _done(self, request: Request) -> Json:
        deadline = self.patience.now() + self.patience.locked
        attempt = 0
        while True:
            outcome = self._once(request)
            if isinstance(outcome, Answer) and outcome.good:
                return self._body(request, outcome)
            happened = self._happened(request, outcome)
            if happened is not None:
                return happened
            pause = self._pause(outcome, attempt)
            if pause is None or self.patience.now() + pause > deadline:
                raise refusal(request.name, outcome)
            self.patience.sleep(pause)
            attempt += 1

    def _once(self, request: Request) -> Answer | Lost:
        """Send a request once. Its exceptions are not raised: their frames hold the key."""
        query = {key: value for key, value in request.query.items() if value is not None}
        try:
            response = self._client.request(
                request.method, request.path, params=query, json=request.body
            )
            data = response.json() if response.content else {}
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Lost(self._words(error), sent=False)
        except httpx.RequestError as error:
            return Lost(self._words(error), sent=True)
        except ValueError:
            data = None
        pause = retry_after(response.headers)
        return Answer(response.status_code, data, pause, response.headers.get("x-request-id"))

    def _happened(self, request: Request, outcome: Answer | Lost) -> Json | None:
        """Return the answer of a change that was done although its own answer was lost."""
        unclear = outcome.sent if isinstance(outcome, Lost) else outcome.vague
        if request.method == "GET" or not unclear:
            return None
        if request.look is None:
            raise unknown(request.name, outcome)
        return request.look()

    def _pause(self, outcome: Answer | Lost, attempt: int) -> float | None:
        """Return the seconds before the next attempt, None for no further attempt."""
        if isinstance(outcome, Answer) and outcome.untouched:
            # Never less than Retry-After: Neon would only refuse again.
            return max(outcome.pause or 0.0, self.patience.pause(attempt))
        again = isinstance(outcome, Lost) or outcome.vague
        return self.patience.pause(attempt) if again and attempt < self.patience.tries - 1 else None

    def _body(self, request: Request, answer: Answer) -> Json:
        if isinstance(answer.data, dict):
            return answer.data
        raise NeonError(
            f"Neon's answer cannot be read ({request.name}: {answer.status})",
            hint="Check that NEON_API_HOST is the address of Neon's API.",
            status=answer.status,
            request_id=answer.request_id,
        )

    def _words(self, error: Exception) -> str:
        return self._redact(" ".join(str(error).split())) or type(error).__name__


class _Bearer(httpx.Auth):
    """An authentication that adds the key to requests; no repr shows it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        """Add the header to one request."""
        request.headers["Authorization"] = f"Bearer {self._account.key}"
        yield request
