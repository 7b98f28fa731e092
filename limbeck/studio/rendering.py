"""Render pages by Jinja: each value is masked, made visible and escaped, whatever it is.

Names, comments and rows come from databases: a table may be called `<script>`, and a name may hide
what follows it by marks of the other writing direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from limbeck.dataclass import dataclass
from limbeck.masking.mask import masked
from limbeck.output.changes import change_line
from limbeck.output.hazards import bytes_text, size_text, summary
from limbeck.output.revealing import standing, steps
from limbeck.output.revisions import one_by_one, step_line
from limbeck.output.statuses import phase_text, sentence
from limbeck.paths import shown
from limbeck.plurals import counted
from limbeck.run.drift import outermost
from limbeck.run.status import findings
from limbeck.schema.catalog.objects.tables import Table
from limbeck.shell import command
from limbeck.studio.links import Links
from limbeck.visible import visible


def text_of(value: object) -> object:
    """Return a value as every text of a page is shown; markup is shown already."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else visible(masked(str(value)))


def table_name(table: Table) -> str:
    """Return the name of a table, with its schema if that is not public."""
    return table.name if table.schema == "public" else f"{table.schema}.{table.name}"


_NAMES: Final[Mapping[str, Any]] = {
    "bytes_text": bytes_text,
    "change_line": change_line,
    "counted": counted,
    "findings": lambda status: tuple(findings(status)),
    "one_by_one": one_by_one,
    "outermost": outermost,
    "phase_text": phase_text,
    "quoted": command,
    "sentence": sentence,
    "shown_path": shown,
    "size_text": size_text,
    "standing": standing,
    "step_text": lambda step: step_line(step).removeprefix(f"{step.verb} "),
    "steps": steps,
    "summary": summary,
    "table_name": table_name,
}


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows: the template of its content, and the values in it.

    `kind` is the entry of the navigation that it belongs to.
    """

    template: str
    title: str
    kind: str
    values: Mapping[str, Any]


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("limbeck.studio"),
        autoescape=True,
        finalize=text_of,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(_NAMES)
    return environment


def content(page: Page, links: Links) -> Markup:
    """Return the content of a page, which stands in a frame or in a report."""

    def anchor(text: str, kind: str, label: str = "", **about: object) -> Markup:
        target = links.to(kind, **about)
        inner = Markup("<bdi>{}</bdi>").format(text_of(text))
        if target is None:
            return inner
        name = Markup(' aria-label="{}"').format(text_of(label)) if label else ""
        return Markup('<a href="{}"{}>{}</a>').format(target, name, inner)

    return Markup(_render(page.template, {**page.values, "a": anchor}))  # noqa: S704 - escaped


def whole(template: str, **values: object) -> str:
    """Return a whole document."""
    return _render(template, values)


def _render(template: str, values: Mapping[str, object]) -> str:
    return _templates().get_template(f"{template}.html").render(values)
