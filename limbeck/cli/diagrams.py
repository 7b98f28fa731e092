"""The command `erd`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import Invocation, project_for
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, no_cache
from limbeck.cli.terminal import answer, note
from limbeck.errors import ConfigurationError

if TYPE_CHECKING:
    from limbeck.schema.diagram import Diagram

FORMS = ("mermaid", "svg", "html")
ENDINGS = {".svg": "svg", ".html": "html", ".htm": "html"}


@command()
@click.argument("source", metavar="[SOURCE]", default="models")
@click.argument("after", metavar="[SOURCE]", required=False)
@click.option(
    "--format", "form", type=click.Choice(FORMS), help="By the ending of --out, or mermaid."
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write to this file.")
@click.option(
    "--table", "tables", metavar="PATTERN", multiple=True, help="Only these tables. Repeatable."
)
@click.option(
    "--schema", "schemas", metavar="PATTERN", multiple=True, help="Only these schemas. Repeatable."
)
@click.option(
    "--near",
    metavar="PATTERN",
    multiple=True,
    help="Only these tables and those linked with them. Repeatable.",
)
@click.option("--changed", is_flag=True, help="Of two schemas, only what differs.")
@no_cache
@as_json
def erd(
    invocation: Invocation,
    *,
    source: str,
    after: str | None,
    form: str | None,
    out: Path | None,
    tables: tuple[str, ...],
    schemas: tuple[str, ...],
    near: tuple[str, ...],
    changed: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Draw tables and relations, of two schemas their difference.

    SOURCE is one of: models, head, base, a revision, an environment, postgresql://... It is only
    read.
    """
    from limbeck.schema.diagram import narrowed

    if changed and after is None:
        raise ConfigurationError(
            "--changed is for two schemas", hint="Name them: limbeck erd head models --changed"
        )
    names, whole = _diagram(invocation, source, after, no_cache=no_cache)
    part = narrowed(whole, tables, schemas, near, changed=changed)
    if whole.boxes and not part.boxes:
        note("No table is left: check the patterns.")
    title = " → ".join(names)
    ending = ENDINGS.get(out.suffix.lower()) if out else None
    text = _drawn(part, title, "json" if as_json else form or ending or "mermaid")
    if out is None:
        answer(text, masked=as_json)
    else:
        _write(out, text)
        note(f"Wrote {out}")


def _diagram(
    invocation: Invocation, source: str, after: str | None, *, no_cache: bool
) -> tuple[list[str], Diagram]:
    """Return the names of the sources, without passwords, and their diagram."""
    from dataclasses import replace

    from limbeck.schema.diagram import diagram
    from limbeck.shadow.source import catalogs, parse

    names = (source, *([after] if after else []))
    project = project_for(invocation, *names)
    if project is not None and no_cache:
        project = replace(project, cache=False)
    sources = [parse(project, text, Narrator()) for text in names]
    if len(sources) == 1:
        return [str(sources[0])], diagram(sources[0].catalog())
    first, second = catalogs(*sources)
    return [str(each) for each in sources], diagram(second, first)


def _drawn(part: Diagram, title: str, form: str) -> str:
    from limbeck.output.data import to_json
    from limbeck.output.erd import data, html, mermaid, svg

    match form:
        case "json":
            return to_json(data.data(part))
        case "svg":
            return svg.svg(part)
        case "html":
            return html.html(part, title)
        case _:
            return mermaid.mermaid(part)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {error.strerror}", hint="Name another file with --out."
        ) from error
