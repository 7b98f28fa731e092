"""The commands `rehearse` and `preview`, which work on temporary branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from limbeck.cli.invocation import CONTEXT, Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import as_json, command, environment
from limbeck.cli.terminal import answer, answer_exactly, note

if TYPE_CHECKING:
    from limbeck.run.preview import Preview
    from limbeck.run.rehearse import Rehearsal


@command()
@environment
@click.option(
    "--test", metavar="COMMAND", help="Run this command with DATABASE_URL set to the branch."
)
@click.option(
    "--ttl",
    metavar="TIME",
    default="2h",
    show_default=True,
    help="When the branch is deleted automatically, should limbeck be killed.",
)
@click.option("--keep", is_flag=True, help="Keep the branch until it expires.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "svg"]),
    default="text",
    show_default=True,
    help="svg is a picture of the locks, with the time for which each was held.",
)
@as_json
@click.pass_context
def rehearse(
    ctx: click.Context,
    invocation: Invocation,
    *,
    environment: str | None,
    test: str | None,
    ttl: str,
    keep: bool,
    form: str,
    as_json: bool,
) -> None:
    """Run pending revisions on a throw-away branch of an environment.

    They run on the real data: limbeck reports durations, locked and rewritten tables, and rows
    that violate new constraints. At every commit point, it tries what applications do with the
    tables. The exit code is 1 when a revision or the test fails, 3 when applications would be
    interrupted between two commits.
    """
    from limbeck.branches import moment
    from limbeck.run import rehearse as verb

    project = invocation.project()
    rehearsal = verb.rehearse(
        project,
        project.profile(environment),
        test=(lambda url: _test(test, url)) if test else None,
        ttl=moment.parse_span(ttl),
        keep=keep,
        listen=Narrator(),
    )
    text = _rehearsed(rehearsal, "json" if as_json else form)
    answer(text, masked=as_json or form == "json")
    ctx.exit(0 if rehearsal.good else 1 if rehearsal.failed or rehearsal.test else 3)


def _rehearsed(rehearsal: Rehearsal, form: str) -> str:
    from limbeck.output import locks, rehearsals
    from limbeck.output.data import to_json

    match form:
        case "json":
            return to_json(rehearsals.rehearsal_data(rehearsal))
        case "svg":
            timelines = [each.timeline for each in rehearsal.revisions if each.timeline]
            return locks.svg(timelines, timed=True)
        case _:
            return rehearsals.rehearsal_text(rehearsal)


@click.group(context_settings=CONTEXT)
def preview() -> None:
    """Create or delete the branch of a pull request."""


@command()
@click.argument("name")
@environment
@click.option("--reset", is_flag=True, help="Reset an existing branch to its parent first.")
@click.option(
    "--ttl",
    metavar="TIME",
    default="14d",
    show_default=True,
    help="When the branch is deleted automatically; Neon allows 30d.",
)
@as_json
def up(
    invocation: Invocation,
    *,
    name: str,
    environment: str | None,
    reset: bool,
    ttl: str,
    as_json: bool,
) -> None:
    """Create or adopt the branch preview/NAME, migrate it, print its URLs.

    In a GitHub workflow, limbeck also writes the URLs to GITHUB_OUTPUT and masks them in the log.
    """
    from limbeck.branches import moment
    from limbeck.output import rehearsals
    from limbeck.output.data import to_json
    from limbeck.run import preview as verb

    project = invocation.project()
    preview = verb.up(
        project,
        project.profile(environment),
        name,
        reset=reset,
        ttl=moment.parse_span(ttl),
        listen=Narrator(),
    )
    if not _write_github_outputs(preview):
        data = rehearsals.preview_data(preview)
        # Its URLs are the answer, passwords included.
        answer_exactly(to_json(data, masked=False) if as_json else rehearsals.preview_text(preview))


@command()
@click.argument("name")
@environment
def down(invocation: Invocation, *, name: str, environment: str | None) -> None:
    """Delete the branch preview/NAME; a missing branch is not an error."""
    from limbeck.run import preview as verb

    project = invocation.project()
    gone = verb.down(project, project.profile(environment), name, Narrator())
    branch = verb.branch_name(name)
    note(f"Deleted branch {branch}" if gone else f"There was no branch {branch}")


for _command in (up, down):
    preview.add_command(_command)


def _test(line: str, url: str) -> int:
    """Run the user's command line with its output on stderr, and return its exit code."""
    import os
    import subprocess

    # stdout is for the answer of `rehearse`; the output of the test goes to stderr.
    variables = {**os.environ, "DATABASE_URL": url, "DATABASE_URL_UNPOOLED": url}
    done = subprocess.run(  # noqa: S602 - the line is the user's own, for their shell
        line, shell=True, env=variables, stdout=2, check=False
    )
    return done.returncode


def _write_github_outputs(preview: Preview) -> bool:
    """Write the outputs of a step of a GitHub workflow; return False outside of one."""
    import os

    from limbeck.output import rehearsals

    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        return False
    data = rehearsals.preview_data(preview)
    for secret in (preview.url, preview.pooled_url):
        answer_exactly(f"::add-mask::{secret}")
    with open(path, "a", encoding="utf-8") as output:  # noqa: PTH123 - a plain append
        for name in ("branch", "branch_id", "created", "db_url", "db_url_pooled"):
            value = data[name]
            text = str(value).lower() if isinstance(value, bool) else str(value or "")
            output.write(f"{name}={text}\n")
    return True
