"""Hazards as text, as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from limbeck.lint.linting import Report
from limbeck.lint.rules.hazard import LEVELS, Hazard
from limbeck.output.tables import counted

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def hazards_text(report: Report) -> str:
    """Return the hazards below their revisions, and how many there are."""
    lines: list[str] = []
    for revision in report.revisions:
        mine = [one for one in report.hazards if one.revision == revision.id]
        if mine:
            lines.append(f"{revision.id}  {revision.message}  {shown(revision.path)}")
            lines += [line for one in mine for line in _lines(one, report)]
            lines.append("")
    return "\n".join([*lines, summary(report)])


def _lines(one: Hazard, report: Report) -> Iterator[str]:
    yield f"  line {one.line}: {one.level}: {one.code}"
    yield f"    {one.message}"
    if size := size_text(one, report):
        yield f"    {size}"
    yield f"    Instead: {one.recipe}"


def summary(report: Report) -> str:
    """Return one line that counts."""
    of = counted(len(report.revisions), "revision")
    if not report.hazards:
        return f"No hazards in {of}{_allowed(report)}."
    counts = [
        counted(number, name)
        for level, name in zip(LEVELS, ("blocking hazard", "warning", "note"), strict=True)
        if (number := sum(one.level == level for one in report.hazards))
    ]
    return f"{', '.join(counts)} in {of}{_allowed(report)}."


def _allowed(report: Report) -> str:
    return f"; {len(report.allowed)} allowed by comments" if report.allowed else ""


def size_text(one: Hazard, report: Report) -> str | None:
    """Return how big a hazard's table is on the environment, in words."""
    if one.size is None:
        return None
    size = f"about {one.size.rows:,} rows, {_bytes(one.size.bytes)}"
    return f"{one.relation} has {size} on {report.environment}"


def _bytes(number: int) -> str:
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - as Postgres counts
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}"


def shown(path: Path) -> str:
    """Return a path as seen from here, with slashes."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


def hazards_data(report: Report) -> dict[str, Any]:
    """Return the report for JSON."""
    return {
        "environment": report.environment,
        "revisions": [
            {"id": one.id, "message": one.message, "path": shown(one.path)}
            for one in report.revisions
        ],
        "hazards": [hazard_data(one) for one in report.hazards],
        "allowed": [{**hazard_data(one.hazard), "reason": one.reason} for one in report.allowed],
        "blocking": len(report.blocking),
    }


def hazard_data(one: Hazard) -> dict[str, Any]:
    """Return one hazard for JSON; size is null where no environment was asked."""
    return {
        "code": one.code,
        "level": one.level,
        "message": one.message,
        "recipe": one.recipe,
        "revision": one.revision,
        "path": shown(one.path),
        "line": one.line,
        "statement": one.statement,
        "relation": one.relation,
        "lock": one.lock,
        "blocks": one.blocks,
        "size": {"rows": one.size.rows, "bytes": one.size.bytes} if one.size else None,
    }


def hazards_markdown(report: Report) -> str:
    """Return a comment for a pull request."""
    lines = [f"**limbeck lint**: {summary(report)}"]
    for one in report.hazards:
        size = size_text(one, report)
        lines += [
            "",
            f"#### {one.level}: `{one.code}`, {shown(one.path)}:{one.line}",
            "",
            f"{_plain(one.message)}." + (f" {_plain(size)}." if size else ""),
            "",
            *(["```sql", one.statement, "```", ""] if one.statement else []),
            f"Instead: {_plain(one.recipe)}",
        ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\`*_<>[]|#" else sign for sign in text)
