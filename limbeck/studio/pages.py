"""The pages: what is asked of the desk for each of them, and the values that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from limbeck.errors import LimbeckError
from limbeck.output.erd.svg import svg
from limbeck.run.places import Moment
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diagram import Box, Diagram, diagram, narrowed, of_names
from limbeck.shell import command
from limbeck.studio import described
from limbeck.studio.described import Described
from limbeck.studio.desk import Desk, Difference, Planned
from limbeck.studio.readings import Reading
from limbeck.studio.rendering import Page, table_name
from limbeck.studio.rows import COMPARISONS, ROWS, Filter, Rows

NAVIGATION: Final = (
    ("environments", "Environments"),
    ("revisions", "Revisions"),
    ("schema", "Schema"),
    ("difference", "Difference"),
)
MANY: Final = 200
"""More tables than these are drawn without their columns."""


def environments(desk: Desk) -> Page:
    """Return the page of the environments, side by side."""
    values = {"statuses": desk.environments()}
    return Page("environments", "Environments", "environments", values)


def revisions(moments: Sequence[Moment]) -> Page:
    """Return the page of the revisions, newest first."""
    return Page("revisions", "Revisions", "revisions", {"moments": moments})


def revision(desk: Desk, id_: str, own: str | None = None, moment: Moment | None = None) -> Page:
    """Return the page of a revision.

    Args:
        desk: The desk.
        id_: The id of the revision.
        own: An environment that keeps a history of its own, which has the revision.
        moment: Where the revision is applied, if that is known.

    """
    revealed = desk.revision(id_, own, asked=moment is None)
    places = moment.places if moment else revealed.places
    values = {"revealed": revealed, "where": places, "own": own}
    return Page("revision", f"Revision {revealed.revision.id}", "revisions", values)


def schema(source: str, reading: Reading, sources: Sequence[str] = (), search: str = "") -> Page:
    """Return the page of a schema: the diagram, and the list of tables.

    Args:
        source: The name of the source.
        reading: What was read of it.
        sources: The sources to choose from; none in a report.
        search: Only tables whose name, or a column's name, contains this text.

    """
    whole = diagram(reading.catalog)
    part = _searched(whole, search)
    addresses = {box.address for box in part.boxes}
    tables = [each for each in described.tables(reading.catalog) if each.address in addresses]
    values = {
        "source": source,
        "sources": sources,
        "search": search,
        "tables": tables,
        "total": len(whole.boxes),
        "sizes": reading.sizes,
        "target": "tables",
        "picture": picture(part),
        "only_names": len(part.boxes) > MANY,
    }
    return Page("schema", f"Schema of {source}", "schema", values)


def _searched(whole: Diagram, search: str) -> Diagram:
    """Return the tables that a text is found in, with those linked with them."""
    if not (text := search.strip().lower()):
        return whole
    hits = {box.address for box in whole.boxes if _has(box, text)}
    beside: set[Address] = set()
    for link in whole.links:
        if {link.source, link.target} & hits:
            beside |= {link.source, link.target}
    return whole.only(lambda box: box.address in hits | beside)


def _has(box: Box, text: str) -> bool:
    return text in box.name.lower() or any(text in line.name.lower() for line in box.lines)


def picture(part: Diagram) -> Markup:
    """Return a diagram as SVG; one of many tables without their columns."""
    part = of_names(part) if len(part.boxes) > MANY else part
    return Markup(svg(part))  # noqa: S704 - it escapes the names


def table(source: str, table_: Described, reading: Reading, *, live: bool) -> Page:
    """Return the page of a table; rows can be read of a `live` source."""
    values = {
        "source": source,
        "described": table_,
        "size": reading.sizes.get((table_.table.schema, table_.table.name)),
        "live": live,
    }
    return Page("table", f"Table {table_name(table_.table)}", "schema", values)


def rows(source: str, table_: Described, page: Rows, filtered: Filter | None) -> Page:
    """Return a page of rows; without a filter there is no form, either."""
    address = {"source": source, "schema": table_.table.schema, "name": table_.table.name}
    if filtered and filtered.column:
        names = ("column", "comparison", "value")
        address |= {name: getattr(filtered, name) for name in names}
    values = {
        "source": source,
        "described": table_,
        "rows": page,
        "filtered": filtered,
        "comparisons": COMPARISONS,
        "page": ROWS,
        "address": address,
    }
    return Page("rows", f"Rows of {table_name(table_.table)}", "schema", values)


def difference(
    before: str, after: str, answer: Difference | None, sources: Sequence[str] = ()
) -> Page:
    """Return the page of a difference; without an `answer` it only asks for the sources."""
    changed = narrowed(answer.diagram, changed=True) if answer else None
    values = {
        "before": before,
        "after": after,
        "sources": sources,
        "difference": answer,
        "picture": picture(changed) if changed and changed.boxes else "",
    }
    title = f"Difference from {before} to {after}" if answer else "Difference"
    return Page("difference", title, "difference", values)


def plan(planned: Planned) -> Page:
    """Return the page of a plan, with the command that carries it out."""
    name = planned.plan.environment
    values = {
        "planned": planned,
        "command": command("limbeck", "migrate", "-e", name),
        "own": name if planned.plan.profile.versions else None,
    }
    return Page("plan", f"Plan of {name}", "environments", values)


def problem(title: str, error: LimbeckError, kind: str = "") -> Page:
    """Return the page of an error."""
    values = {"title": title, "message": error.message, "advice": error.hint}
    return Page("problem", title, kind, values)
