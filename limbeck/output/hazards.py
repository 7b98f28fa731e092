"""Hazards as text, as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.lint.linting import Report
from limbeck.lint.rules.hazard import LEVELS, Hazard
from limbeck.output import probes
from limbeck.output.marks import Answer, Line, Many, Meaning, Span
from limbeck.plurals import counted, nouns

if TYPE_CHECKING:
    from limbeck.output.answers.parts import HazardData
    from limbeck.output.answers.review import LintAnswer

MEANINGS: Mapping[str, Meaning] = {"blocking": "error", "warning": "warning", "note": "info"}
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def hazards_text(report: Report) -> str:
    """Return each rule once, with its places, and a count.

    A rule that warns of one revision stands below that; one that warns of several, below all.
    """
    lines: list[str] = []
    findings = _findings(report.hazards)
    for revision in report.revisions:
        own = [each for each in findings if _revisions(each) == [revision.id]]
        if own:
            heading = Span(revision.id, "heading")
            lines.append(Line(heading, f"  {revision.message}  {shown(revision.path)}"))
            lines += [line for each in own for line in _finding(each, report)]
            lines.append("")
    common = [each for each in findings if len(_revisions(each)) > 1]
    if common:
        lines.append(Span("In several revisions", "heading"))
        gravest = sorted(common, key=lambda each: LEVELS.index(each[0].level))
        lines += [line for each in gravest for line in _finding(each, report)]
        lines.append("")
    lines += [
        f"{revision} could not be probed at its commit points: {passage.problem}"
        for revision, passage in report.passages.items()
        if passage.problem
    ]
    worst = next((each for each in LEVELS if each in {h.level for h in report.hazards}), None)
    return Answer([*lines, Span(summary(report), MEANINGS[worst] if worst else "good")])


def _findings(hazards: Sequence[Hazard]) -> list[list[Hazard]]:
    """Return the hazards of each rule."""
    findings: dict[tuple[str, str], list[Hazard]] = {}
    for each in hazards:
        findings.setdefault((each.code, each.level), []).append(each)
    return list(findings.values())


def _revisions(hazards: Sequence[Hazard]) -> list[str]:
    return list(dict.fromkeys(each.revision for each in hazards))


def _groups(hazards: Sequence[Hazard]) -> list[list[Hazard]]:
    """Return the hazards of each rule in each revision."""
    groups: dict[tuple[str, Path, str, str], list[Hazard]] = {}
    for each in hazards:
        groups.setdefault((each.revision, each.path, each.code, each.level), []).append(each)
    return list(groups.values())


def _finding(hazards: Sequence[Hazard], report: Report) -> Iterator[str]:
    """Yield the hazards of a rule: its name, its messages with their places, and the way out."""
    level, common = hazards[0].level, len(_revisions(hazards)) > 1
    name = Span(f"{level}: {hazards[0].code}", MEANINGS[level])
    yield Line("  ", name) if common else Line(f"  {_places(hazards)}: ", name)
    recipes = list(dict.fromkeys(each.recipe for each in hazards))
    sizes: set[str] = set()
    entries = []
    for message, places in _messages(hazards).items():
        everywhere = len(places) == len(hazards) and not common
        lines = [f"    {message}"] if everywhere else [*_placed(message, places, common=common)]
        size = size_text(places[0], report)
        if size and size not in sizes:
            sizes.add(size)
            lines.append(f"    {size}")
        if len(recipes) > 1:
            lines.append(_instead(places[0].recipe))
        entries.append(Answer(lines))
    yield Many(entries, 4)
    if len(recipes) == 1:
        yield _instead(recipes[0])


def _placed(message: str, hazards: Sequence[Hazard], *, common: bool) -> Iterator[str]:
    """Yield a message with its lines, and with its revisions if the rule warns of several."""
    revisions = _revisions(hazards)
    if not common:
        yield f"    {_places(hazards)}: {message}"
    elif len(revisions) == 1:
        yield f"    {revisions[0]} {_places(hazards)}: {message}"
    else:
        yield f"    {message}"
        of: dict[str, list[Hazard]] = {}
        for each in hazards:
            of.setdefault(each.revision, []).append(each)
        yield Many((f"      {revision} {_places(own)}" for revision, own in of.items()), 6)


def _instead(recipe: str) -> str:
    return Line("    ", Span("Instead:", "good"), f" {recipe}")


def _messages(group: Sequence[Hazard]) -> dict[str, list[Hazard]]:
    messages: dict[str, list[Hazard]] = {}
    for each in group:
        messages.setdefault(each.message, []).append(each)
    return messages


def _places(hazards: Sequence[Hazard]) -> str:
    numbers = sorted({each.line for each in hazards})
    return f"{nouns(len(numbers), 'line')} {', '.join(map(str, numbers))}"


def summary(report: Report) -> str:
    """Return a line with the number of hazards of each level."""
    of = counted(len(report.revisions), "revision")
    if not report.hazards:
        return f"No hazards in {of}{_allowed(report)}."
    counts = [
        counted(number, name)
        for level, name in zip(LEVELS, ("blocking hazard", "warning", "note"), strict=True)
        if (number := sum(each.level == level for each in report.hazards))
    ]
    return f"{', '.join(counts)} in {of}{_allowed(report)}."


def _allowed(report: Report) -> str:
    return f"; {len(report.allowed)} allowed by comments" if report.allowed else ""


def size_text(hazard: Hazard, report: Report) -> str | None:
    """Return the size of a hazard's table on the environment, in words."""
    if hazard.size is None:
        return None
    size = f"about {counted(hazard.size.rows, 'row')}, {bytes_text(hazard.size.bytes)}"
    return f"{hazard.relation} has {size} on {report.environment}"


def bytes_text(number: int) -> str:
    """Return a number of bytes in the largest unit in which it is at least one."""
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - as Postgres counts
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}"


def shown(path: Path) -> str:
    """Return a path relative to the working directory, with slashes."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


def hazards_data(report: Report) -> LintAnswer:
    """Return the report for JSON."""
    return {
        "environment": report.environment,
        "revisions": [
            {"id": each.id, "message": each.message, "path": shown(each.path)}
            for each in report.revisions
        ],
        "hazards": [hazard_data(each) for each in report.hazards],
        "allowed": [{**hazard_data(each.hazard), "reason": each.reason} for each in report.allowed],
        "blocking": len(report.blocking),
        "passages": {id_: probes.data(passage) for id_, passage in report.passages.items()},
    }


def hazard_data(hazard: Hazard) -> HazardData:
    """Return one hazard for JSON; `size` is null without an environment."""
    return {
        "code": hazard.code,
        "level": hazard.level,
        "message": hazard.message,
        "recipe": hazard.recipe,
        "revision": hazard.revision,
        "path": shown(hazard.path),
        "line": hazard.line,
        "statement": hazard.statement,
        "relation": hazard.relation,
        "lock": hazard.lock,
        "blocks": hazard.blocks,
        "size": {"rows": hazard.size.rows, "bytes": hazard.size.bytes} if hazard.size else None,
    }


def hazards_markdown(report: Report) -> str:
    """Return a comment for a pull request."""
    lines = [f"**limbeck lint**: {summary(report)}"]
    for group in _groups(report.hazards):
        first = group[0]
        numbers = ", ".join(map(str, sorted({each.line for each in group})))
        lines += ["", f"#### {first.level}: `{first.code}`, {shown(first.path)}:{numbers}"]
        for message, places in _messages(group).items():
            size = size_text(places[0], report)
            lines += ["", f"{_plain(message)}." + (f" {_plain(size)}." if size else "")]
            for statement in dict.fromkeys(each.statement for each in places if each.statement):
                lines += ["", "```sql", statement, "```"]
        for recipe in dict.fromkeys(each.recipe for each in group):
            lines += ["", f"Instead: {_plain(recipe)}"]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\`*_<>[]|#" else sign for sign in text)
