"""Answer only the browser that was let in: the Host header, a token, then a cookie.

Any page of the web may send requests to this machine, and any name may resolve to 127.0.0.1 (DNS
rebinding): so the Host must be the address that was printed. Other users of the machine reach the
port, too: so the first request brings a token. A cookie takes its place, and the token leaves the
address bar and the history.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from limbeck.dataclass import dataclass
from limbeck.studio import assets
from limbeck.studio.rendering import whole

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

METHODS: Final = {"GET", "HEAD"}


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Access:
    """What opens the pages of a server on `port`.

    `token` is in the printed address. The address that the browser is started with has `tickets`
    instead, of which each counts once: other users of the machine can read a program's arguments.
    `session` is the value of the cookie.
    """

    port: int
    token: str = field(default_factory=_secret, repr=False)
    session: str = field(default_factory=_secret, repr=False)
    tickets: set[str] = field(default_factory=set, repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The values of the Host header that are answered."""
        return (f"127.0.0.1:{self.port}", f"localhost:{self.port}")

    @property
    def cookie(self) -> str:
        """The name of the cookie: browsers share cookies between the ports of a machine."""
        return f"limbeck-studio-{self.port}"

    @property
    def address(self) -> str:
        """The address to print, with the token."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    def ticket(self) -> str:
        """Return an address that opens the pages once."""
        ticket = _secret()
        self.tickets.add(ticket)
        return f"http://127.0.0.1:{self.port}/?token={ticket}"

    def admits(self, token: str) -> bool:
        """Return whether a token opens the pages; a ticket is used up."""
        if same(token, self.token):
            return True
        used = [each for each in self.tickets if same(token, each)]
        self.tickets.difference_update(used)
        return bool(used)


def same(given: str, expected: str) -> bool:
    """Return whether two secrets are the same; how long it takes tells nothing about them."""
    return hmac.compare_digest(given.encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class Guard:
    """Hands requests of the browser that was let in to `app`, and refuses all others."""

    app: ASGIApp
    access: Access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on; either answer has the same headers."""

        async def send_safely(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_headers()]  # type: ignore[misc]
            await send(message)

        if scope["type"] != "http":
            return
        answer = self._answer(Request(scope))
        await (answer or self.app)(scope, receive, send_safely)  # type: ignore[arg-type]

    def _answer(self, request: Request) -> Response | None:
        """Return the answer to a request that is not handed on."""
        if request.headers.get("host", "") not in self.access.hosts:
            return PlainTextResponse("This address is not served here.", 421)
        if request.method not in METHODS:
            return PlainTextResponse("limbeck studio changes nothing.", 405)
        tokens = parse_qs(request.scope["query_string"].decode("latin-1")).get("token")
        if tokens and request.url.path == "/":
            return self._welcome(tokens[0])
        if not any(same(each, self.access.session) for each in _cookies(request, self.access)):
            return PlainTextResponse("Open the address that limbeck studio has printed.", 403)
        return None

    def _welcome(self, token: str) -> Response:
        """Return the answer to a token.

        A page that leads on, no redirect: after a click in another page a browser would leave out a
        SameSite=Strict cookie from the request that follows a redirect.
        """
        if not self.access.admits(token):
            return PlainTextResponse("The token is wrong: limbeck studio was started anew.", 403)
        response = HTMLResponse(whole("welcome"))
        response.set_cookie(
            self.access.cookie, self.access.session, path="/", httponly=True, samesite="strict"
        )
        return response


def _cookies(request: Request, access: Access) -> Iterator[str]:
    for header in request.headers.getlist("cookie"):
        try:
            cookies = SimpleCookie(header)
        except CookieError:
            continue
        if access.cookie in cookies:
            yield cookies[access.cookie].value


def _headers() -> Iterator[tuple[bytes, bytes]]:
    headers = {
        "Content-Security-Policy": assets.policy(),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }
    for name, value in headers.items():
        yield name.lower().encode(), value.encode()
