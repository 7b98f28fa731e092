"""Revision files that were written, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limbeck.paths import shown

if TYPE_CHECKING:
    from limbeck.generate.generated import Generated
    from limbeck.generate.merge import Merge
    from limbeck.generate.squash.squash import Squash
    from limbeck.schema.diff.steps import Step


def merge_text(made: Merge) -> str:
    """Return which heads are joined, and by which file."""
    heads = " and ".join(str(one) for one in made.heads)
    return f"Joined {heads}: both orders make the same schema.\n{shown(made.path)}"


def merge_data(made: Merge) -> dict[str, Any]:
    """Return the same for JSON."""
    return {
        "path": shown(made.path),
        "heads": [{"id": one.id, "message": one.message} for one in made.heads],
    }


def squash_text(made: Squash) -> str:
    """Return what was replaced by what, and what of it is not in the new revision."""
    names = "".join(f"\n  {one}" for one in made.replaced)
    verb = "Would replace" if made.path is None else "Replaced"
    lines = [f"{verb} {len(made.replaced)} revisions by one:{names}"]
    if made.left_out:
        lines.append("Left out, for on a new database there are no rows for it:")
        lines += [f"  {one.id}: {_short(text)}" for one, text in made.left_out]
    back = "leaves what theirs leave" if made.verbatim else "leaves no trace"
    lines.append(f"Proved: it makes the same objects and rows; its downgrade {back}.")
    lines.append(made.text.rstrip() if made.path is None else f"Wrote {shown(made.path)}")
    return "\n".join(lines)


def squash_data(made: Squash) -> dict[str, Any]:
    """Return the same for JSON; path is null where nothing was written."""
    return {
        "path": shown(made.path) if made.path else None,
        "revision": made.replaced[-1].id,
        "replaced": [
            {"id": one.id, "message": one.message, "path": shown(one.path)} for one in made.replaced
        ],
        "verbatim": made.verbatim,
        "left_out": [{"revision": one.id, "statement": text} for one, text in made.left_out],
        "text": made.text,
    }


def _short(text: str, longest: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def generated_text(made: Generated) -> str:
    """Return what the new revision does, its file, and that it is proved."""
    if made.path is None or made.revision is None:
        return "No changes: the history makes exactly what the models describe."
    if made.expand is not None:
        return _phases_text(made)
    lines = [f"  {step_line(step)}" for step in made.steps]
    proof = "Proved: upgrade gives exactly the models, downgrade leaves no trace."
    if not made.readable:
        lines.append("It holds plain SQL, for op.* calls could not be proved.")
    return "\n".join([f"Wrote {shown(made.path)}", *lines, proof])


def _phases_text(made: Generated) -> str:
    """Return the two files of a change in phases, and what to do with them."""
    lines = []
    for one in (made.expand, made.revision):
        if one is not None:
            lines += [f"Wrote {shown(one.path)}", f"  {one.message}"]
    lines.append("Proved: both give exactly the models, the downgrade of each leaves no trace.")
    lines.append("Everywhere: limbeck migrate, limbeck backfill, deploy, limbeck contract.")
    return "\n".join(lines)


def generated_data(made: Generated) -> dict[str, Any]:
    """Return the same for JSON; path and revision are null when there was no change."""
    return {
        "path": shown(made.path) if made.path else None,
        "revision": made.revision.id if made.revision else None,
        "message": made.revision.message if made.revision else None,
        "readable": made.readable,
        "expand": shown(made.expand.path) if made.expand else None,
        "steps": [step_data(step) for step in made.steps],
    }


def step_line(step: Step) -> str:
    """Return one step in words, with what it loses and what to mind."""
    minds = [f"loses {step.loses}" if step.loses else None, step.note]
    said = "; ".join(mind for mind in minds if mind)
    return f"{step.verb} {step.address}" + (f"  ({said})" if said else "")


def step_data(step: Step) -> dict[str, Any]:
    """Return one step for JSON."""
    return {
        "verb": step.verb,
        "kind": step.address.kind,
        "object": str(step.address),
        "sql": step.sql,
        "loses": step.loses,
        "note": step.note,
    }
