"""What became of one request: an answer, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from limbeck.errors import NeonError

LOCKED, TOO_MANY, UNAVAILABLE = 423, 429, 503
FAILED = 400
SERVER_FAILED = 500

_HINTS = {
    401: "look at NEON_API_KEY: Neon's console makes keys under Account settings, API keys",
    403: "the key in NEON_API_KEY may not do this; a key of the project's organisation can",
    404: "look at NEON_PROJECT_ID, and whether somebody deleted it meanwhile: "
    "limbeck branches list",
    409: "limbeck branches list shows what is there",
    423: "another operation is running on it; try again in a minute",
    429: "Neon allows 700 requests a minute; try again in a minute",
    503: "Neon is not ready; try again in a minute, https://neonstatus.com says more",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `data` is {} where there was no body. `pause` is its Retry-After."""

    status: int
    data: Any = field(repr=False)
    pause: float | None = None
    request_id: str | None = None

    @property
    def good(self) -> bool:
        """Whether it was done."""
        return self.status < FAILED

    @property
    def untouched(self) -> bool:
        """Whether Neon says that it has done nothing, so that any request may be repeated."""
        return self.status in {LOCKED, TOO_MANY, UNAVAILABLE}

    @property
    def vague(self) -> bool:
        """Whether it may have been done or not: a gateway's or a server's fault."""
        return self.status >= SERVER_FAILED and not self.untouched


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came; `sent` says whether the request may have arrived."""

    reason: str
    sent: bool


def refusal(what: str, outcome: Answer | Lost) -> NeonError:
    """An error that says what Neon said to a request such as `POST /projects/x/branches`."""
    if isinstance(outcome, Lost):
        return NeonError(
            f"Neon's API could not be reached ({what}): {outcome.reason}",
            hint="look at this machine's network, its proxy settings and NEON_API_HOST",
        )
    body = outcome.data if isinstance(outcome.data, dict) else {}
    code = str(body.get("code") or "")
    said = str(body.get("message") or "no reason was given")
    request_id = body.get("request_id") or outcome.request_id
    marks = [f"{outcome.status}{f' {code}' if code else ''}"]
    marks += [f"request {request_id}"] if request_id else []
    return NeonError(
        f"Neon refused: {said} ({what}: {', '.join(marks)})",
        hint=_HINTS.get(outcome.status),
        status=outcome.status,
        code=code,
        request_id=str(request_id) if request_id else None,
    )


def unknown(what: str, outcome: Answer | Lost) -> NeonError:
    """An error for a change that may have happened, where nothing can tell."""
    reason = outcome.reason if isinstance(outcome, Lost) else f"status {outcome.status}"
    return NeonError(
        f"it is not known whether Neon did it ({what}): {reason}",
        hint="limbeck branches list shows what is there",
        status=None if isinstance(outcome, Lost) else outcome.status,
    )
