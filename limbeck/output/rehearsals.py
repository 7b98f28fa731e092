"""Rehearsals, previews and losses, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from limbeck.output import probes
from limbeck.output.marks import Answer, Line, Span, Sql
from limbeck.plurals import counted
from limbeck.run.losses import Losses
from limbeck.run.preview import Preview
from limbeck.run.rehearse import Failed, Rehearsal, Rehearsed

if TYPE_CHECKING:
    from limbeck.output.answers.review import (
        FailedData,
        PreviewAnswer,
        RehearseAnswer,
        RehearsedData,
    )

_MOST: Final = 20  # lines of changes


def rehearsal_text(rehearsal: Rehearsal) -> str:
    """Return the duration and locks of each revision, the failure, and the schema difference."""
    return Answer(_rehearsal(rehearsal))


def _rehearsal(rehearsal: Rehearsal) -> Iterator[str]:
    if not rehearsal.revisions and rehearsal.failed is None:
        yield f"{rehearsal.environment}: nothing is pending."
    for revision in rehearsal.revisions:
        heading = Span(revision.id, "heading")
        yield Line(heading, f"  {revision.message}: {revision.seconds:.2f} s")
        for hold in revision.holds:
            access = "rewritten" if hold.rewritten else "read"
            yield (
                f"    line {hold.line}: {hold.table} (about {counted(hold.rows, 'row')}) is "
                f"{access} under {hold.mode} for {hold.seconds:.2f} s"
            )
        if revision.passage is not None:
            note = probes.count([revision.passage])
            yield from [f"    {note} at its commit points"] if note else []
            yield from (f"    {line}" for line in probes.lines([revision.passage]))
    if rehearsal.failed is not None:
        yield from failed_lines(rehearsal.failed)
    if rehearsal.difference.strip():
        yield "Difference:"
        yield Sql(rehearsal.difference.strip(), 4)
    if rehearsal.test is not None:
        code = f"The test failed: exit code {rehearsal.test}."
        yield Span(code, "error") if rehearsal.test else "The test passed."
    if rehearsal.good:
        passed = Span("The rehearsal passed", "good")
        yield Line(passed, f"; {rehearsal.environment} was not changed.")


def failed_lines(failed: Failed) -> Iterator[str]:
    """Yield why a revision failed, with the offending rows."""
    yield Line(f"{failed.id}  {failed.message}: ", Span("failed", "error"))
    yield from (f"    {line}" for line in failed.words.splitlines())
    rows = failed.offending
    if rows is None:
        return
    yield f"    {rows.table}: {counted(rows.count, 'row')}, as {rows.reason}"
    for key in rows.keys:
        pairs = zip(rows.columns, key, strict=False)
        yield "      " + ", ".join(f"{column}={value}" for column, value in pairs)
    if rows.count > len(rows.keys) > 0:
        yield "      ..."


def rehearsal_data(rehearsal: Rehearsal) -> RehearseAnswer:
    """Return a rehearsal for JSON."""
    return {
        "environment": rehearsal.environment,
        "branch": rehearsal.branch,
        "revisions": [_rehearsed_data(revision) for revision in rehearsal.revisions],
        "failed": _failed_data(rehearsal.failed) if rehearsal.failed else None,
        "difference": rehearsal.difference,
        "test": rehearsal.test,
        "good": rehearsal.good,
    }


def _rehearsed_data(revision: Rehearsed) -> RehearsedData:
    return {
        "id": revision.id,
        "message": revision.message,
        "seconds": revision.seconds,
        "holds": [
            {
                "table": hold.table,
                "mode": hold.mode,
                "rewritten": hold.rewritten,
                "rows": hold.rows,
                "seconds": hold.seconds,
                "line": hold.line,
            }
            for hold in revision.holds
        ],
        "passage": probes.data(revision.passage) if revision.passage else None,
    }


def _failed_data(failed: Failed) -> FailedData:
    rows = failed.offending
    return {
        "id": failed.id,
        "message": failed.message,
        "words": failed.words,
        "offending": {
            "table": rows.table,
            "reason": rows.reason,
            "count": rows.count,
            "columns": list(rows.columns),
            "keys": [list(key) for key in rows.keys],
        }
        if rows
        else None,
    }


def preview_text(preview: Preview) -> str:
    """Return whether a preview was created or adopted, and its two URLs."""
    verb = "Created" if preview.created else "Adopted"
    applied = counted(len(preview.report.applied), "revision")
    return (
        f"{verb} branch {preview.branch.name}, {applied} applied.\n"
        f"DATABASE_URL={preview.pooled_url}\nDATABASE_URL_UNPOOLED={preview.url}"
    )


def preview_data(preview: Preview) -> PreviewAnswer:
    """Return a preview for JSON and for GitHub's outputs."""
    return {
        "branch": preview.branch.name,
        "branch_id": preview.branch.id,
        "created": preview.created,
        "applied": [revision.id for revision in preview.report.applied],
        "db_url": preview.url,
        "db_url_pooled": preview.pooled_url,
    }


def losses_text(losses: Losses, verb: str) -> str:
    """Return what is lost when a branch is reset, restored or deleted."""
    lines = [f"Branch {losses.branch.name} is {verb}. This is lost:"]
    if losses.problem:
        lines.append(f"  all its data; limbeck could not inspect it: {losses.problem}")
        return "\n".join(lines)
    if losses.rows:
        about = "about " if losses.estimated else ""
        lines.append(f"  {about}{counted(losses.rows, 'row')}")
    if losses.changes:
        lines.append("  what its schema has (+), lacks (-) or has otherwise (~) than its parent's:")
        lines += [f"    {change}" for change in losses.changes[:_MOST]]
        if (more := len(losses.changes) - _MOST) > 0:
            lines.append(f"    and {more:,} more")
    if losses.revisions:
        lines.append(f"  revisions that only it has: {', '.join(losses.revisions)}")
    if losses.sessions:
        lines.append(f"  {counted(losses.sessions, 'open connection')}")
    return "\n".join(lines)
