"""Results of `pull`, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.models.pull.edit.merged import relative
from limbeck.output.changes import change_line, changes_data
from limbeck.output.marks import Answer, Line, Many, Meaning, Span
from limbeck.output.revisions import generated_data, generated_text
from limbeck.paths import shown
from limbeck.plurals import counted
from limbeck.shell import command

if TYPE_CHECKING:
    from limbeck.generate.baseline import Baseline
    from limbeck.models.pull.edit.merged import Merge
    from limbeck.models.pull.prove.proof import Proof
    from limbeck.output.answers.databases import PullAnswer
    from limbeck.schema.renames.rename import Rename


_LISTED = 20  # names of files that fit on a screen
_DIFF = 100  # lines of a diff that somebody reads at once


def text(  # noqa: PLR0913 - what, how much of it, and whose
    name: str,
    merge: Merge,
    proof: Proof,
    written: Sequence[Path] | None,
    root: Path | None,
    *,
    every: bool = False,
) -> str:
    """Return the diff or the written files, what needs manual changes, the proof, what is next.

    Args:
        name: What the source is called.
        merge: The models.
        proof: What they create.
        written: The files that were written; None if none were to be.
        root: The folder of the project.
        every: Show the whole of a long diff, not only its files.

    """
    lines = list(_lines(name, merge, proof, written, root, every=every))
    if written and not (merge.left or proof.lost):
        lines.append(_next(written, root))
    return Answer(lines)


def _next(written: Sequence[Path], root: Path | None) -> str:
    """Return what to do with models that need no change by hand."""
    if root is not None:
        return (
            "Next: read the changes (git diff), then limbeck generate for what the history lacks."
        )
    init = next((path for path in written if path.name == "__init__.py"), None)
    module = init.parent.name if init else written[0].stem
    return f"Next: {command('limbeck', 'init', '--models', f'{module}:Base.metadata')}"


def _lines(  # noqa: PLR0913 - as text
    name: str,
    merge: Merge,
    proof: Proof,
    written: Sequence[Path] | None,
    root: Path | None,
    *,
    every: bool = False,
) -> Iterator[str]:
    if not merge.files and not merge.left and not merge.gone:
        yield f"No changes: the models match {name}."
    elif written is None and merge.files:
        diff = merge.diff(root).rstrip("\n").split("\n")
        short = every or len(diff) <= _DIFF
        yield Answer(map(_diff_line, diff)) if short else Many(_files(merge, root))
        how = "" if short else " --all shows the diff,"
        yield f"{counted(len(merge.files), 'file')} would change;{how} --write applies this."
    elif written:
        names = [shown(path) for path in written[:_LISTED]]
        more = len(written) - len(names)
        yield "Wrote " + ", ".join([*names, *([f"and {more} more"] if more else [])])
    yield from (f"Renamed: {_renamed(rename)}" for rename in merge.renamed)
    yield from _many(f"Only in the models: {address}" for address in merge.gone)
    yield from _many(f"Change by hand: {task}" for task in merge.left)
    yield from merge.notes
    yield f"{name}: {proof}"
    yield from _many(Line("  ", change_line(change)) for change in proof.lost)
    yield from _many(f"  the order of the columns of {address}" for address in proof.reordered)


def _many(lines: Iterable[str]) -> Iterator[Many]:
    """Yield the first of some lines, if there are any."""
    if every := list(lines):
        yield Many(every)


def _files(merge: Merge, root: Path | None) -> Iterator[str]:
    """Yield a line for each file, with the number of lines that it gains and loses."""
    for path, text in sorted(merge.files.items()):
        alone = replace(merge, files={path: text})
        lines = [line for line in alone.diff(root).splitlines() if line[:3] not in {"+++", "---"}]
        gained, lost = (sum(line.startswith(sign) for line in lines) for sign in "+-")
        new = "" if path in merge.before else "new, "
        counts = [f"{new}+{gained}", *([f"-{lost}"] if lost else [])]
        yield f"{relative(path, root)}  {' '.join(counts)}"


def _diff_line(line: str) -> str:
    """Return a line of a unified diff; `+++` and `---` name the file."""
    if line.startswith(("+++", "---", "@@")):
        return Span(line, "heading")
    meanings: Mapping[str, Meaning] = {"+": "added", "-": "removed"}
    return Span(line, meanings.get(line[:1], "code"))


def _renamed(rename: Rename) -> str:
    return f"{rename.before} is {rename.after} now; its name in Python stays"


def data(name: str, merge: Merge, proof: Proof, written: Sequence[Path] | None) -> PullAnswer:
    """Return the result for JSON; `written` is null when no files were requested."""
    return {
        "source": name,
        "files": [shown(path) for path in sorted(merge.files)],
        "written": None if written is None else [shown(path) for path in written],
        "new": [str(address) for address in merge.new],
        "changed": [str(address) for address in merge.changed],
        "renamed": [
            {"before": str(rename.before), "after": str(rename.after)} for rename in merge.renamed
        ],
        "gone": [str(address) for address in merge.gone],
        "left": list(merge.left),
        "notes": list(merge.notes),
        "proved": proof.tried,
        "exact": proof.exact,
        "counts": dict(proof.counts),
        "lost": changes_data(proof.lost),
        "reordered": [str(address) for address in proof.reordered],
        "unreadable": list(proof.unreadable),
    }


def baseline_text(name: str, baseline: Baseline) -> str:
    """Return the written files and revision, and the stamp."""
    lines = list(_lines(name, baseline.merge, baseline.proof, baseline.written, None))
    if baseline.generated.revision:
        lines.append(generated_text(baseline.generated))
        lines.append(f"{name} is stamped: it is at {baseline.generated.revision.id}.")
    return "\n".join(lines)


def baseline_data(name: str, baseline: Baseline) -> PullAnswer:
    """Return a baseline for JSON."""
    pulled = data(name, baseline.merge, baseline.proof, baseline.written)
    return {**pulled, "baseline": generated_data(baseline.generated)}
