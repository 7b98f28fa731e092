"""Write the pages as one file, which needs no network: `limbeck report`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, LimbeckError
from limbeck.output.erd.svg import STYLE
from limbeck.output.journals import when
from limbeck.run.places import Moment
from limbeck.studio import assets, described, pages
from limbeck.studio.described import Described
from limbeck.studio.desk import Desk
from limbeck.studio.links import Addresses, Anchors
from limbeck.studio.rendering import Page, content, whole
from limbeck.studio.rows import Filter
from limbeck.version import __version__


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a report shows.

    `source` is the schema, with its difference from the models; `revisions` is how many of the
    newest are shown with their SQL; `rows` says whether the first rows of each table are shown.
    """

    source: str
    revisions: int = 10
    rows: bool = False


class Section(NamedTuple):
    """A page of the report; `address` is where the server has it. `entry` puts it into the menu."""

    address: str
    page: Page
    entry: str = ""


def document(desk: Desk, extent: Extent, now: datetime) -> str:
    """Return the report.

    A page that cannot be shown is replaced by its error, which does not hide the others.

    Raises:
        HistoryError: The revision files are broken.

    """
    sections = list(_sections(desk.reached(), extent))
    ids = {section.address: f"s{number}" for number, section in enumerate(sections)}
    links = Anchors(ids)
    bodies = [(ids[each.address], each.page.title, content(each.page, links)) for each in sections]
    css, script = assets.text("studio.css"), assets.text("studio.js")
    return whole(
        "report",
        title=f"{desk.project.root.name}: environments, revisions, schema",
        project=desk.project.root.name,
        time=when(now),
        version=__version__,
        styles=Markup(f"{assets.allowed(css)} {assets.allowed(STYLE)}"),  # noqa: S704 - hashes
        scripts=Markup(assets.allowed(script)),  # noqa: S704 - as above
        css=Markup(css),  # noqa: S704 - limbeck's own file
        script=Markup(script),  # noqa: S704 - as above
        pages=[(ids[each.address], each.entry) for each in sections if each.entry],
        sections=bodies,
    )


def write(path: Path, text: str) -> None:
    """Write a report as a whole or not at all.

    Raises:
        ConfigurationError: The file cannot be written; one that was there is unchanged.

    """
    unfinished = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ConfigurationError(
            f"cannot write {path}: {error.strerror}", hint="Name another file with --out."
        ) from error


def _sections(desk: Desk, extent: Extent) -> Iterator[Section]:
    address = Addresses().to
    yield Section(address("environments"), pages.environments(desk), "Environments")
    for profile in desk.profiles():
        name = profile.name
        shown = _shown(f"Plan of {name}", partial(_plan, desk, name))
        yield Section(address("plan", environment=name), shown, f"Plan of {name}")
    moments = desk.timeline()
    yield Section(address("revisions"), pages.revisions(moments), "Revisions")
    yield from _revisions(desk, moments[: extent.revisions])
    yield from _schema(desk, extent)
    if (before := extent.source) != "models":
        title = f"Difference from {before} to models"
        shown = _shown(title, partial(_difference, desk, before))
        yield Section(address("difference", before=before, after="models"), shown, "Difference")


def _plan(desk: Desk, name: str) -> Page:
    return pages.plan(desk.plan(name))


def _difference(desk: Desk, before: str) -> Page:
    return pages.difference(before, "models", desk.difference(before, "models"))


def _rows(desk: Desk, source: str, table: Described) -> Page:
    return pages.rows(source, table, desk.rows(source, table, Filter(), 0), None)


def _revisions(desk: Desk, moments: Sequence[Moment]) -> Iterator[Section]:
    for moment in moments:
        id_, own = moment.revision.id, moment.own
        shown = _shown(f"Revision {id_}", partial(pages.revision, desk, id_, own, moment))
        yield Section(Addresses().to("revision", id=id_, own=own or ""), shown)


def _schema(desk: Desk, extent: Extent) -> Iterator[Section]:
    """Yield the schema, its tables, and their rows if they are asked for."""
    address, source = Addresses().to, extent.source
    place = address("schema", source=source)
    try:
        reading = desk.reading(source)
    except LimbeckError as error:
        yield Section(place, pages.problem(f"Schema of {source}", error), "Schema")
        return
    yield Section(place, pages.schema(source, reading), "Schema")
    with_rows = extent.rows and desk.is_live(source)
    for table in described.described(reading.catalog):
        about = {"source": source, "schema": table.table.schema, "name": table.table.name}
        page = pages.table(source, table, reading, live=with_rows)
        yield Section(address("table", **about), page)
        if with_rows:
            shown = _shown(f"Rows of {table.table.name}", partial(_rows, desk, source, table))
            yield Section(address("rows", **about), shown)


def _shown(title: str, page: Callable[[], Page]) -> Page:
    """Return a page, or its error."""
    try:
        return page()
    except LimbeckError as error:
        return pages.problem(title, error)
