"""Requests to Neon's API: sent, repeated where that is safe, their errors explained."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

from limbeck.branches.neon.account import Account
from limbeck.branches.neon.answer import Answer, Lost, refusal, unknown
from limbeck.branches.neon.patience import Patience, retry_after
from limbeck.errors import NeonError

Json: TypeAlias = dict[str, Any]
Look: TypeAlias = Callable[[], Json | None]
"""Looks whether a change has happened; gives what its answer would have been, or None."""

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
        """What an error calls it: no query and no body."""
        return f"{self.method} {self.path}"


class Api:
    """A line to the API for one project. Its connections close with it.

    Every call raises a NeonError for what Neon refuses and for a line that does not come about.
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
        """Ask for something of the project; its path is relative to the project's."""
        return self._done(Request("GET", self._path(path), query))

    def pages(self, path: str, items: str, **query: Any) -> Iterator[Json]:
        """Ask for a list, page by page.

        Raises:
            NeonError: a page names itself, or an earlier one, as the next.
        """
        seen: set[str] = set()
        more = {**query, "limit": PAGE}
        while True:
            data = self.get(path, **more)
            yield from data.get(items) or ()
            marks = data.get("pagination") or {}
            cursor = marks.get("next") or marks.get("cursor")
            if not cursor or not data.get(items):
                return
            if cursor in seen:
                raise NeonError(f"Neon's list does not end: its page {cursor} comes again")
            seen.add(cursor)
            more["cursor"] = cursor

    def change(
        self, method: str, path: str, body: Json | None = None, *, look: Look, **query: Any
    ) -> Json:
        """Ask for a change; `look` tells, after a broken connection, whether it happened."""
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
        """Send a request once. No exception leaves: its frames hold the key's header."""
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
        """Look whether a change was done although the answer did not say so."""
        unclear = outcome.sent if isinstance(outcome, Lost) else outcome.vague
        if request.method == "GET" or not unclear:
            return None
        if request.look is None:
            raise unknown(request.name, outcome)
        return request.look()

    def _pause(self, outcome: Answer | Lost, attempt: int) -> float | None:
        """The pause before the next attempt; None where there is to be none."""
        if isinstance(outcome, Answer) and outcome.untouched:
            # Never less than Neon asks for: it would only answer the same again.
            return max(outcome.pause or 0.0, self.patience.pause(attempt))
        again = isinstance(outcome, Lost) or outcome.vague
        return self.patience.pause(attempt) if again and attempt < self.patience.tries - 1 else None

    def _body(self, request: Request, answer: Answer) -> Json:
        if isinstance(answer.data, dict):
            return answer.data
        raise NeonError(
            f"Neon's answer cannot be read ({request.name}: {answer.status})",
            hint="look at NEON_API_HOST: is that Neon's API?",
            status=answer.status,
            request_id=answer.request_id,
        )

    def _words(self, error: Exception) -> str:
        return self._redact(" ".join(str(error).split())) or type(error).__name__


class _Bearer(httpx.Auth):
    """Puts the key into requests; no repr shows it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        """Add the header to one request."""
        request.headers["Authorization"] = f"Bearer {self._account.key}"
        yield request
