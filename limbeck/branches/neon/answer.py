"""The outcome of a request to Neon: an answer, or a lost connection; and the errors for both."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from limbeck.dataclass import dataclass
from limbeck.errors import NeonError

LOCKED, TOO_MANY, UNAVAILABLE = 423, 429, 503
FAILED = 400
SERVER_FAILED = 500

_HINTS = {
    401: "Check NEON_API_KEY: Neon's console creates keys under Account settings, API keys.",
    403: "The key in NEON_API_KEY is not allowed to do this; use a key of the organisation.",
    404: "Check NEON_PROJECT_ID, and with limbeck branches list whether the branch exists.",
    409: "Check the branches: limbeck branches list",
    423: "Another operation is running; try again in a minute.",
    429: "Neon allows 700 requests a minute; try again in a minute.",
    503: "Neon is not ready; try again in a minute. Its state: https://neonstatus.com",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `data` is {} without a body, `pause` the seconds of Retry-After."""

    status: int
    data: Any = field(repr=False)
    pause: float | None = None
    request_id: str | None = None

    @property
    def good(self) -> bool:
        """Whether Neon did it."""
        return self.status < FAILED

    @property
    def untouched(self) -> bool:
        """Whether Neon has certainly done nothing, so that any request may be repeated."""
        return self.status in {LOCKED, TOO_MANY, UNAVAILABLE}

    @property
    def vague(self) -> bool:
        """Whether Neon may have done it or not: an error of a gateway or a server."""
        return self.status >= SERVER_FAILED and not self.untouched


@dataclass(frozen=True, slots=True)
class Lost:
    """A request without an answer; `sent` says whether it may have arrived."""

    reason: str
    sent: bool


def refusal(what: str, outcome: Answer | Lost) -> NeonError:
    """Return the error for a refused request such as `POST /projects/x/branches`."""
    if isinstance(outcome, Lost):
        return NeonError(
            f"Neon's API could not be reached ({what}): {outcome.reason}",
            hint="Check the network of this machine, its proxy settings and NEON_API_HOST.",
        )
    body = outcome.data if isinstance(outcome.data, dict) else {}
    code = str(body.get("code") or "")
    message = str(body.get("message") or "no reason was given")
    request_id = body.get("request_id") or outcome.request_id
    marks = [f"{outcome.status}{f' {code}' if code else ''}"]
    marks += [f"request {request_id}"] if request_id else []
    return NeonError(
        f"Neon refused: {message} ({what}: {', '.join(marks)})",
        hint=_HINTS.get(outcome.status),
        status=outcome.status,
        code=code,
        request_id=str(request_id) if request_id else None,
    )


def unknown(what: str, outcome: Answer | Lost) -> NeonError:
    """Return the error for a change that may have happened, and cannot be looked up."""
    reason = outcome.reason if isinstance(outcome, Lost) else f"status {outcome.status}"
    return NeonError(
        f"it is not known whether Neon did it ({what}): {reason}",
        hint="Check the branches: limbeck branches list",
        status=None if isinstance(outcome, Lost) else outcome.status,
    )
