"""Rehearsals, previews and losses, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from limbeck.output.tables import counted
from limbeck.run.losses import Losses
from limbeck.run.preview import Preview
from limbeck.run.rehearse import Failed, Rehearsal


def rehearsal_text(found: Rehearsal) -> str:
    """Return what each revision took and held up, what failed, and the schema's difference."""
    return "\n".join(_rehearsal(found))


def _rehearsal(found: Rehearsal) -> Iterator[str]:
    if not found.revisions and found.failed is None:
        yield f"{found.environment}: nothing is pending."
    for one in found.revisions:
        yield f"{one.id}  {one.message}: {one.seconds:.2f} s"
        for hold in one.holds:
            work = "rewritten" if hold.rewritten else "read"
            yield (
                f"    line {hold.line}: {hold.table} (about {counted(hold.rows, 'row')}) is {work} "
                f"under {hold.mode} for {hold.seconds:.2f} s"
            )
    if found.failed is not None:
        yield from failed_lines(found.failed)
    if found.difference.strip():
        yield "Difference:"
        yield from (f"    {line}".rstrip() for line in found.difference.strip().splitlines())
    if found.test is not None:
        yield "The test passed." if not found.test else f"The test failed: exit code {found.test}."
    if found.good:
        yield f"{found.environment} is as it was; the rehearsal went well."


def failed_lines(failed: Failed) -> Iterator[str]:
    """Yield what a revision broke on, with the rows in its way."""
    yield f"{failed.id}  {failed.message}: failed"
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


def rehearsal_data(found: Rehearsal) -> dict[str, Any]:
    """Return a rehearsal for JSON."""
    return {**asdict(found), "good": found.good}


def preview_text(found: Preview) -> str:
    """Return what became of a preview, and its two URLs."""
    verb = "Created" if found.created else "Adopted"
    applied = counted(len(found.report.applied), "revision")
    return (
        f"{verb} branch {found.branch.name}, {applied} applied.\n"
        f"DATABASE_URL={found.pooled_url}\nDATABASE_URL_UNPOOLED={found.url}"
    )


def preview_data(found: Preview) -> dict[str, Any]:
    """Return a preview for JSON and for GitHub's outputs."""
    return {
        "branch": found.branch.name,
        "branch_id": found.branch.id,
        "created": found.created,
        "applied": [one.id for one in found.report.applied],
        "db_url": found.url,
        "db_url_pooled": found.pooled_url,
    }


def losses_text(found: Losses, verb: str) -> str:
    """Return what goes when a branch is reset, restored or deleted."""
    lines = [f"Branch {found.branch.name} is {verb}. This goes:"]
    if found.problem:
        lines.append(f"  whatever it holds; it could not be looked at: {found.problem}")
        return "\n".join(lines)
    lines.append(f"  about {counted(found.rows, 'row')}, whatever is not at its parent")
    if found.revisions:
        lines.append(f"  revisions that only it has: {', '.join(found.revisions)}")
    if found.sessions:
        lines.append(f"  {counted(found.sessions, 'connection')}, ended")
    return "\n".join(lines)
