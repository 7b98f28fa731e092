"""Written revision files, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from limbeck.output import probes
from limbeck.output.marks import Answer, Line, Many, Meaning, Span
from limbeck.paths import shown
from limbeck.plurals import counted

if TYPE_CHECKING:
    from limbeck.generate.generated import Generated
    from limbeck.generate.handwritten import Written
    from limbeck.generate.merge import Merge
    from limbeck.generate.squash.squash import Squash
    from limbeck.output.answers.everyday import GeneratedAnswer
    from limbeck.output.answers.history import MergeAnswer, RevisionAnswer, SquashAnswer
    from limbeck.output.answers.parts import StepData
    from limbeck.schema.diff.steps import Step

VERBS: Final[Mapping[str, Meaning]] = {"create": "added", "drop": "removed"}
"""The verbs of steps, with what they mean for an object; any other changes it."""


def written_text(written: Written) -> str:
    """Return the file of a revision, and what its author does next."""
    path = shown(written.revision.path)
    if written.test is None:
        return f"Wrote {path}\n  Fill in upgrade() and downgrade()."
    return (
        f"Wrote {path}\n"
        f"  Rows of {written.table} change in batches; as written, none does.\n"
        f"Wrote {shown(written.test)}\n"
        "  It fails until you have filled in the lines marked EDIT in both files."
    )


def written_data(written: Written) -> RevisionAnswer:
    """Return a revision for JSON; table and test are null without --data."""
    table = written.table
    return {
        "path": shown(written.revision.path),
        "revision": written.revision.id,
        "message": written.revision.message,
        "table": f"{table.schema}.{table.name}" if table else None,
        "test": shown(written.test) if written.test else None,
    }


def merge_text(merge: Merge) -> str:
    """Return the heads that are joined, and the merge revision's file."""
    heads = " and ".join(str(head) for head in merge.heads)
    return f"Joined {heads}: both orders make the same schema.\n{shown(merge.path)}"


def merge_data(merge: Merge) -> MergeAnswer:
    """Return a merge for JSON."""
    return {
        "path": shown(merge.path),
        "heads": [{"id": head.id, "message": head.message} for head in merge.heads],
    }


def squash_text(squash: Squash) -> str:
    """Return the replaced revisions, the new one, and the statements that were left out."""
    names = "".join(f"\n  {revision}" for revision in squash.replaced)
    verb = "Would replace" if squash.path is None else "Replaced"
    lines = [f"{verb} {counted(len(squash.replaced), 'revision')} with one:{names}"]
    if squash.left_out:
        lines.append("Left out, because a new database has no rows for it:")
        lines += [f"  {revision.id}: {_short(text)}" for revision, text in squash.left_out]
    back = "leaves what theirs leave" if squash.verbatim else "leaves no trace"
    lines.append(f"Proved: it makes the same objects and rows; its downgrade {back}.")
    lines.append(squash.text.rstrip() if squash.path is None else f"Wrote {shown(squash.path)}")
    return "\n".join(lines)


def squash_data(squash: Squash) -> SquashAnswer:
    """Return a squash for JSON; path is null where nothing was written."""
    return {
        "path": shown(squash.path) if squash.path else None,
        "revision": squash.replaced[-1].id,
        "replaced": [
            {"id": revision.id, "message": revision.message, "path": shown(revision.path)}
            for revision in squash.replaced
        ],
        "verbatim": squash.verbatim,
        "left_out": [
            {"revision": revision.id, "statement": text} for revision, text in squash.left_out
        ],
        "text": squash.text,
    }


def _short(text: str, longest: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def generated_text(generated: Generated) -> str:
    """Return the file of the new revision, its steps, and its proof."""
    if generated.path is None or generated.revision is None:
        compared = (
            f" ({counted(generated.tables, 'table')})" if generated.tables is not None else ""
        )
        return f"No changes: the history makes exactly what the models describe{compared}."
    if generated.expand is not None:
        return _phases_text(generated)
    wrote: Sequence[str] = [Line(Span("Wrote", "good"), f" {shown(generated.path)}")]
    steps = [Line("  ", step_line(step)) for step in one_by_one(generated.steps)]
    lines: list[str] = [Many(steps, 2)] if steps else []
    if not generated.readable:
        lines.append("It holds plain SQL, because the op.* calls did not prove.")
    if note := probes.count(generated.passages):
        proof = f"upgrade, {note}, downgrade; it makes exactly the models and leaves no trace."
    else:
        proof = "upgrade gives exactly the models, downgrade leaves no trace."
    lines.append(Line(Span(f"{_proved(generated)}:", "good"), f" {proof}"))
    return Answer([*wrote, *lines, *_missing(generated), *probes.lines(generated.passages)])


def _proved(generated: Generated) -> str:
    """Return "Proved", with the majors if a profile declares one."""
    if generated.declared:
        return f"Proved on Postgres {' and '.join(map(str, generated.majors))}"
    return "Proved"


def _missing(generated: Generated) -> list[str]:
    """Return a line for each declared major without a server."""
    return [
        f"Not proved on Postgres {major}, which a profile declares: there is no server of it here. "
        "Run `limbeck doctor`."
        for major in generated.missing
    ]


def _phases_text(generated: Generated) -> str:
    """Return the two files of a phased change, and the commands that follow."""
    lines: list[str] = []
    for revision in (generated.expand, generated.revision):
        if revision is not None:
            wrote = Line(Span("Wrote", "good"), f" {shown(revision.path)}")
            lines += [wrote, f"  {revision.message}"]
    proved, note = _proved(generated), probes.count(generated.passages)
    proof = "both give exactly the models, the downgrade of each leaves no trace"
    probed = f", {note}" if note else ""
    lines.append(Line(Span(f"{proved}:", "good"), f" {proof}{probed}."))
    lines += [*_missing(generated), *probes.lines(generated.passages)]
    lines.append(
        "In every environment: limbeck migrate, limbeck backfill, deploy, limbeck contract."
    )
    return Answer(lines)


def generated_data(generated: Generated) -> GeneratedAnswer:
    """Return the revision for JSON; path and revision are null when there was no change."""
    return {
        "path": shown(generated.path) if generated.path else None,
        "revision": generated.revision.id if generated.revision else None,
        "message": generated.revision.message if generated.revision else None,
        "readable": generated.readable,
        "expand": shown(generated.expand.path) if generated.expand else None,
        "majors": {"proved": list(generated.majors), "missing": list(generated.missing)},
        "steps": [step_data(step) for step in generated.steps],
        "passages": [probes.data(passage) for passage in generated.passages],
    }


def one_by_one(steps: Iterable[Step]) -> Iterator[Step]:
    """Return the steps with one type change in each."""
    from limbeck.schema.diff.retyping import separated  # noqa: PLC0415 - no step, no import

    return separated(steps)


def step_line(step: Step) -> str:
    """Return one step as a line, with its loss and its note."""
    minds = [f"loses {step.loses}" if step.loses else None, step.note]
    remarks = "; ".join(mind for mind in minds if mind)
    new = getattr(step.operation, "name", None) if step.verb == "rename" else None
    verb = Span(step.verb, VERBS.get(step.verb, "changed"))
    what = f" {step.address}" + (f" → {new}" if new else "")
    remark = f"  ({remarks})" if remarks else ""
    return Line(verb, what, Span(remark, "warning") if step.loses else remark)


def step_data(step: Step) -> StepData:
    """Return one step for JSON."""
    return {
        "verb": step.verb,
        "kind": step.address.kind,
        "object": str(step.address),
        "sql": step.sql,
        "loses": step.loses,
        "note": step.note,
    }
