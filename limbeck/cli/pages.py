"""The commands `studio` and `report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import command, environments
from limbeck.cli.terminal import answer_exactly, note
from limbeck.errors import ConfigurationError

if TYPE_CHECKING:
    from limbeck.studio.desk import Desk


@command()
@environments
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="The port on 127.0.0.1; any that is free if omitted.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def studio(invocation: Invocation, *, names: tuple[str, ...], port: int, no_browser: bool) -> None:
    """Show environments, revisions and schemas as pages in the browser.

    The pages are served to this machine only, until Ctrl-C. They change nothing.
    """
    desk = _desk(invocation, names, "jinja2", "starlette", "uvicorn")
    from limbeck.studio import serving

    note("Ctrl-C ends limbeck studio. Only this machine reaches the pages, by this address:")
    serving.serve(desk, port, browser=not no_browser, announce=answer_exactly)


@command()
@environments
@click.option(
    "--out", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Write this file."
)
@click.option(
    "--source",
    metavar="SOURCE",
    help="Whose schema is shown: an environment, models, head or a revision; the default "
    "environment if omitted.",
)
@click.option(
    "--revisions",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="NUMBER",
    help="How many of the newest revisions are shown with their SQL and hazards.",
)
@click.option("--rows", is_flag=True, help="Show the first rows of each table, too.")
def report(
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    out: Path,
    source: str | None,
    revisions: int,
    rows: bool,
) -> None:
    """Write environments, revisions and the schema as one HTML file.

    It has the pages of limbeck studio, and needs no network. Rows are left out without --rows.
    """
    desk = _desk(invocation, names, "jinja2")
    from datetime import UTC, datetime

    from limbeck.studio import report as verb

    extent = verb.Extent(source or desk.first, revisions, rows)
    verb.write(out, verb.document(desk, extent, datetime.now(UTC)))
    note(f"Wrote {out}")


def _desk(invocation: Invocation, names: tuple[str, ...], *packages: str) -> Desk:
    """Return the desk of the project.

    Raises:
        ConfigurationError: A package is missing that only the extra `studio` installs.

    """
    from importlib.util import find_spec

    project = invocation.project()
    for name in names:
        project.profile(name)
    if missing := [package for package in packages if find_spec(package) is None]:
        raise ConfigurationError(
            f"the pages need {', '.join(missing)}, which limbeck does not install by itself",
            hint="pip install 'limbeck[studio]'",
        )
    from limbeck.studio.desk import Desk

    return Desk(project, names, Narrator())
