"""The server's pages: which address shows what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, LimbeckError
from limbeck.events import Notice
from limbeck.studio import assets, pages
from limbeck.studio.desk import Desk
from limbeck.studio.guard import Access, Guard
from limbeck.studio.links import Addresses
from limbeck.studio.rendering import Page, content, whole
from limbeck.studio.rows import COMPARISONS, Comparison, Filter

if TYPE_CHECKING:
    from starlette.requests import Request

FARTHEST: Final = 1_000_000
"""The server counts skipped rows one by one: beyond these a filter finds them sooner."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The query of a request, each name once."""

    words: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """Return a word of the query."""
        return self.words.get(name) or default

    def number(self, name: str) -> int:
        """Return a number of the query, 0 where it is none."""
        text = self.text(name)
        if not (text.isascii() and text.isdecimal()):
            return 0
        # Of a longer one, Python would refuse to say the number.
        return min(int(text), FARTHEST) if len(text) <= len(str(FARTHEST)) else FARTHEST

    def filter(self) -> Filter:
        """Return the condition on rows."""
        comparison = self.text("comparison")
        known = comparison if comparison in COMPARISONS else COMPARISONS[0]
        return Filter(self.text("column"), cast("Comparison", known), self.words.get("value", ""))


def application(desk: Desk, access: Access) -> Guard:
    """Return the application that serves the pages of a desk to the browser that is let in."""
    routes = [Route("/", _start), Route("/static/{name}", _asset)]
    routes += [Route(f"/{name}", _shown(desk, page)) for name, page in PAGES.items()]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _missing(desk)})
    return Guard(app, access)


def _start(_: Request) -> Response:
    return RedirectResponse("/environments")


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in assets.FILES:
        raise HTTPException(404)
    return Response(assets.text(name), media_type=assets.FILES[name])


def _shown(
    desk: Desk, page: Callable[[Desk, Asked], Page]
) -> Callable[[Request], Awaitable[Response]]:
    """Return the function that answers with a page, or with the error that it raised."""

    async def answer(request: Request) -> Response:
        asked = Asked(dict(request.query_params))
        # In a thread that nobody waits for after Ctrl-C, although Postgres may still be busy.
        return await to_thread.run_sync(_answer, desk, page, asked, abandon_on_cancel=True)

    return answer


def _answer(desk: Desk, page: Callable[[Desk, Asked], Page], asked: Asked) -> Response:
    try:
        return _framed(desk, page(desk, asked))
    except ConfigurationError as error:
        return _framed(desk, pages.problem("Not found", error), 404)
    except LimbeckError as error:
        return _framed(desk, pages.problem("Not available", error), 503)
    except Exception as error:  # noqa: BLE001 - a page that fails ends no server
        text = f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
        desk.listen(Notice(text))
        bug = LimbeckError(text, hint="This is a bug in limbeck.")
        return _framed(desk, pages.problem("Not available", bug), 500)


def _missing(desk: Desk) -> Callable[[Request, Exception], Response]:
    def answer(_: Request, __: Exception) -> Response:
        error = ConfigurationError("There is no such page.")
        return _framed(desk, pages.problem("Not found", error), 404)

    return answer


def _framed(desk: Desk, page: Page, status: int = 200) -> Response:
    text = whole(
        "frame",
        title=page.title,
        project=desk.project.root.name,
        pages=pages.NAVIGATION,
        current=page.kind,
        body=content(page, Addresses()),
    )
    return HTMLResponse(text, status)


def _environments(desk: Desk, _: Asked) -> Page:
    return pages.environments(desk)


def _revisions(desk: Desk, _: Asked) -> Page:
    return pages.revisions(desk.timeline())


def _revision(desk: Desk, asked: Asked) -> Page:
    return pages.revision(desk, asked.text("id", "head"), asked.text("own") or None)


def _schema(desk: Desk, asked: Asked) -> Page:
    source = asked.text("source", desk.first)
    return pages.schema(source, desk.reading(source), desk.sources(), asked.text("search"))


def _table(desk: Desk, asked: Asked) -> Page:
    source = asked.text("source", desk.first)
    table, reading = desk.table(source, asked.text("schema", "public"), asked.text("name"))
    return pages.table(source, table, reading, live=desk.is_live(source))


def _rows(desk: Desk, asked: Asked) -> Page:
    source = desk.profile(asked.text("source", desk.first)).name
    table, _ = desk.table(source, asked.text("schema", "public"), asked.text("name"))
    wanted = asked.filter()
    return pages.rows(
        source, table, desk.rows(source, table, wanted, asked.number("start")), wanted
    )


def _difference(desk: Desk, asked: Asked) -> Page:
    before, after = asked.text("before"), asked.text("after")
    answer = desk.difference(before, after) if before and after else None
    return pages.difference(before or desk.first, after or "models", answer, desk.sources())


def _plan(desk: Desk, asked: Asked) -> Page:
    return pages.plan(desk.plan(asked.text("environment", desk.first)))


PAGES: Final[Mapping[str, Callable[[Desk, Asked], Page]]] = {
    "environments": _environments,
    "revisions": _revisions,
    "revision": _revision,
    "schema": _schema,
    "table": _table,
    "rows": _rows,
    "difference": _difference,
    "plan": _plan,
}
