"""branches: the databases themselves, with the words of Neon's own command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from limbeck.cli.invocation import CONTEXT, Invocation, command, environment, yes
from limbeck.cli.terminal import Narrator, agreed, ask, interactive, note
from limbeck.errors import ConfigurationError, NotConfirmedError

if TYPE_CHECKING:
    from datetime import datetime

    from limbeck.branches.base import Branch, BranchProvider


@click.group(context_settings=CONTEXT)
def branches() -> None:
    """List, create, reset, delete database branches.

    The words and the output formats are those of Neon's own command line. They are the branches
    of the place where the default environment is; -e takes another environment's.
    """


def _output(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "yaml"]),
        default="table",
        show_default=True,
        help="The format of the answer.",
    )(function)


_preserve = click.option(
    "--preserve-under-name",
    metavar="NAME",
    help="Keep what it has as a branch of this name; its children go there.",
)


@command("list")
@environment
@_output
def list_(invocation: Invocation, *, environment: str | None, output: str) -> None:
    """List the branches."""
    from limbeck.reports import branches as reports

    click.echo(reports.several(_provider(invocation, environment).all(), output))


@command()
@click.argument("name")
@environment
@_output
def get(invocation: Invocation, *, name: str, environment: str | None, output: str) -> None:
    """Show one branch, by its name or id."""
    _show(_provider(invocation, environment).get(name), output)


@command()
@click.argument("name", required=False)
@click.option("--name", "named", metavar="NAME", help="The name, as Neon's command line takes it.")
@click.option(
    "--parent",
    metavar="BRANCH[@MOMENT]",
    help="What to copy, as it is or was at a time or LSN; without it, the default branch.",
)
@click.option("--schema-only", is_flag=True, help="Without the rows; it has no parent then.")
@click.option("--expires-in", metavar="TIME", help="Delete it by itself after 2h, 7d ...")
@click.option("--exists-ok", is_flag=True, help="Adopt the branch if it is there.")
@click.option("--anonymize", metavar="FILE", help="A JSON list of Neon's masking rules.")
@environment
@_output
def create(
    invocation: Invocation,
    *,
    name: str | None,
    named: str | None,
    parent: str | None,
    schema_only: bool,
    expires_in: str | None,
    exists_ok: bool,
    anonymize: str | None,
    environment: str | None,
    output: str,
) -> None:
    """Create a branch, a copy of its parent."""
    from limbeck.branches import base, moment

    chosen = name or named
    if chosen is None or (name and named and name != named):
        raise click.UsageError("Give the branch one name.")
    provider = _provider(invocation, environment)
    there = provider.all()
    source = moment.parse_source(parent) if parent else moment.Source(None)
    default = next((branch.name for branch in there if branch.default), None)
    origin = source.branch or default
    if exists_ok and origin and any(one.name == chosen for one in there):
        note(f"Adopted branch {chosen}")
        _show(base.adopt(provider, chosen, origin)[0], output)
        return
    made = provider.create(
        chosen,
        origin,
        at=source.at,
        schema_only=schema_only,
        expires_at=_end(expires_in),
        **_masking(provider, anonymize),
    )
    _show(made, output)


@command()
@click.argument("name")
@click.option(
    "--parent",
    is_flag=False,
    flag_value="^parent",
    metavar="[BRANCH]",
    help="Reset to the parent; the name, when given, must be the parent's.",
)
@_preserve
@click.option("--migrate", is_flag=True, help="Then apply what is pending.")
@environment
@yes
@_output
def reset(
    invocation: Invocation,
    *,
    name: str,
    parent: str | None,
    preserve_under_name: str | None,
    migrate: bool,
    environment: str | None,
    yes: bool,
    output: str,
) -> None:
    """Make a branch a fresh copy of its parent; its URL stays."""
    from limbeck.branches import base

    if parent is None:
        raise click.UsageError("Say where to: only a reset to the parent is there, --parent.")
    provider = _provider(invocation, environment)
    wanted = None if parent == "^parent" else parent
    found = base.resettable(provider.all(), name, wanted, preserve_under_name)
    if preserve_under_name is None:
        _agree(invocation, provider, found, f"reset to {found.parent}", yes=yes)
    _show(provider.reset(name, wanted, preserve_under=preserve_under_name), output)
    if migrate:
        _migrate(invocation, provider, found.name)


@command()
@click.argument("name")
@click.argument("source", metavar="SOURCE")
@_preserve
@environment
@yes
@_output
def restore(
    invocation: Invocation,
    *,
    name: str,
    source: str,
    preserve_under_name: str | None,
    environment: str | None,
    yes: bool,
    output: str,
) -> None:
    """Give a branch another content; its URL stays.

    SOURCE is a branch, a snapshot, ^self or ^parent, and may end in @TIME or @LSN.
    """
    from limbeck.branches import base, moment

    provider = _provider(invocation, environment)
    origin = moment.parse_source(source)
    found = base.restorable(provider.all(), name, preserve_under_name)
    if preserve_under_name is None:
        _agree(invocation, provider, found, f"restored from {source}", yes=yes)
    _show(provider.restore(name, origin, preserve_under=preserve_under_name), output)


@command()
@click.argument("name")
@click.argument("new")
@environment
@_output
def rename(
    invocation: Invocation, *, name: str, new: str, environment: str | None, output: str
) -> None:
    """Give a branch another name. Write it into the profile that names the branch, too."""
    _show(_provider(invocation, environment).rename(name, new), output)


@command("set-default")
@click.argument("name")
@environment
@_output
def set_default(invocation: Invocation, *, name: str, environment: str | None, output: str) -> None:
    """Make it the branch that others are made from."""
    _show(_provider(invocation, environment).set_default(name), output)


@command("set-expiration")
@click.argument("name")
@click.option("--expires-at", metavar="TIME", help="Delete it from then on; RFC 3339 with a zone.")
@click.option("--expires-in", metavar="TIME", help="Delete it after 2h, 7d ...")
@environment
@_output
def set_expiration(
    invocation: Invocation,
    *,
    name: str,
    expires_at: str | None,
    expires_in: str | None,
    environment: str | None,
    output: str,
) -> None:
    """Have a branch deleted by itself; without a time it stays."""
    if expires_at and expires_in:
        raise click.UsageError("--expires-at and --expires-in exclude each other.")
    end = _time(expires_at) if expires_at else _end(expires_in)
    _show(_provider(invocation, environment).set_expiration(name, end), output)


@command()
@click.argument("name")
@environment
@yes
@_output
def delete(
    invocation: Invocation, *, name: str, environment: str | None, yes: bool, output: str
) -> None:
    """Delete a branch."""
    from limbeck.branches import base

    provider = _provider(invocation, environment)
    found = base.deletable(provider.all(), name)
    _agree(invocation, provider, found, "deleted", yes=yes)
    provider.delete(name)
    note(f"Deleted branch {found.name}")
    _show(found, output)


@command()
@click.argument("pattern")
@click.option("--older-than", metavar="TIME", required=True, help="Only those older than 7d ...")
@click.option("--dry-run", is_flag=True, help="Only list them.")
@environment
@yes
@_output
def prune(
    invocation: Invocation,
    *,
    pattern: str,
    older_than: str,
    dry_run: bool,
    environment: str | None,
    yes: bool,
    output: str,
) -> None:
    """Delete stale branches, such as 'preview/*'.

    Never the default one, a protected one, or one with children.
    """
    from datetime import UTC, datetime

    from limbeck.branches import moment, pruning
    from limbeck.reports import branches as reports

    provider = _provider(invocation, environment)
    age = moment.parse_span(older_than)
    found = pruning.stale(provider.all(), pattern, age, datetime.now(UTC))
    if found and not dry_run:
        _agree_all(found, yes=yes)
        for branch in found:
            provider.delete(branch.name)
            note(f"Deleted branch {branch.name}")
    click.echo(reports.several(found, output))


@command()
@_output
@click.option(
    "--format",
    "form",
    type=click.Choice(["sql", "markdown", "json"]),
    default="sql",
    show_default=True,
    help="markdown is for a comment on a pull request.",
)
@environment
@click.argument("base")
@click.argument("compare")
def diff(
    invocation: Invocation,
    *,
    base: str,
    compare: str,
    form: str,
    environment: str | None,
    output: str,
) -> None:
    """Show what makes the schema of branch COMPARE out of BASE's."""
    from limbeck import diff as differ
    from limbeck.database import Database
    from limbeck.reports import branches as reports
    from limbeck.sources import Live

    provider = _provider(invocation, environment)
    before, after = (
        Live(Database.from_url(name, provider.url(name)), listen=Narrator()).catalog()
        for name in (base, compare)
    )
    script = differ.script(differ.steps(before, after))
    chosen = {"sql": output, "json": "json", "markdown": "markdown"}[form]
    click.echo(reports.difference(base, compare, script, chosen), nl=False)


for _made in (
    *(list_, get, create, reset, restore, rename),
    *(set_default, set_expiration, delete, prune, diff),
):
    branches.add_command(_made)


def _provider(invocation: Invocation, environment: str | None) -> BranchProvider:
    from limbeck import settings

    project = invocation.project()
    profile = project.profile(environment) if environment else None
    return settings.branches(project, profile, Narrator())


def _show(found: Branch, output: str) -> None:
    from limbeck.reports import branches as reports

    click.echo(reports.one(found, output))


def _end(expires_in: str | None) -> datetime | None:
    from datetime import UTC, datetime

    from limbeck.branches import moment

    if expires_in is None:
        return None
    return (datetime.now(UTC) + moment.parse_span(expires_in)).replace(microsecond=0)


def _time(text: str) -> datetime:
    from datetime import datetime

    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ConfigurationError(
            f"{text} is no time with a zone", hint="such as 2026-12-31T18:00:00Z"
        )
    return time


def _masking(provider: BranchProvider, path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    from pathlib import Path

    from limbeck.branches.neon import NeonBranches, anonymized

    if not isinstance(provider, NeonBranches):
        raise ConfigurationError(
            "only Neon makes anonymized branches", hint="leave out --anonymize, or add -e"
        )
    return {"masking": anonymized.rules(Path(path))}


def _agree(
    invocation: Invocation, provider: BranchProvider, found: Branch, verb: str, *, yes: bool
) -> None:
    """Say what goes and ask; where nothing goes, nothing is asked."""
    if yes:
        return
    from limbeck import losses
    from limbeck.reports import rehearsals

    lost = losses.losses(invocation.project(), provider, found.name)
    if lost.nothing:
        return
    note(rehearsals.losses_text(lost, verb))
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was done",
            hint="Add --yes when the above is what you want.",
        )
    sure = ask(f"Type {found.name} to go on: ") == found.name if found.protected else None
    if not (agreed("Go on?") if sure is None else sure):
        raise NotConfirmedError(
            "not confirmed; nothing was done", hint="Answer yes, or give --yes."
        )


def _agree_all(found: Sequence[Branch], *, yes: bool) -> None:
    names = ", ".join(one.name for one in found)
    if yes:
        return
    note(f"These branches are deleted, with all they hold: {names}")
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was done",
            hint="Add --yes when the above is what you want, or look: --dry-run",
        )
    if not agreed("Go on?"):
        raise NotConfirmedError(
            "not confirmed; nothing was done", hint="Answer yes, or give --yes."
        )


def _migrate(invocation: Invocation, provider: BranchProvider, name: str) -> None:
    from dataclasses import replace

    from limbeck import migrate, settings
    from limbeck.database import Database
    from limbeck.reports import plans

    project = invocation.project()
    known = {each.neon_branch or each.branch: each for each in project.profiles()}
    profile = replace(known.get(name) or settings.Profile(name, name), protected=False)
    database = Database.from_url(profile.name, provider.url(name))
    plan = migrate.plan(project, profile, database, listen=Narrator())
    report = migrate.apply(plan, confirm=lambda _: True, listen=Narrator())
    note(plans.report_text(report))
