"""The commands `branches create`, `branches reset` and `branches restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from limbeck.cli.branching import agree, end_of, output_option, provider_of, show
from limbeck.cli.invocation import Invocation
from limbeck.cli.narrating import Narrator
from limbeck.cli.options import command, completed, environment, yes
from limbeck.cli.terminal import note
from limbeck.errors import ConfigurationError
from limbeck.stages import waiting

if TYPE_CHECKING:
    from limbeck.branches.base import BranchProvider
    from limbeck.output.branches import Form


_preserve = click.option(
    "--preserve-under-name",
    metavar="NAME",
    help="Keep the present state as a branch of this name; children move to it.",
)


@command()
@click.argument("name", required=False)
@click.option("--name", "named", metavar="NAME", help="The name; the same as NAME.")
@click.option(
    "--parent",
    metavar="BRANCH[@MOMENT]",
    help="The branch to copy, now or at a time or LSN; the default branch if omitted.",
)
@click.option(
    "--schema-only",
    is_flag=True,
    help="Copy the schema without rows; the branch has no parent then.",
)
@click.option(
    "--expires-in", metavar="TIME", help="Delete the branch automatically after 2h, 7d ..."
)
@click.option("--exists-ok", is_flag=True, help="Use the branch if it exists.")
@click.option(
    "--anonymize", metavar="FILE", help="A file with a JSON list of Neon's masking rules."
)
@environment
@output_option
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
    output: Form,
) -> None:
    """Create a branch, a copy of its parent."""
    from limbeck.branches import base, moment

    chosen = name or named
    if chosen is None or (name and named and name != named):
        raise click.UsageError("Give exactly one branch name.")
    provider = provider_of(invocation, environment)
    there = provider.all()
    source = moment.parse_source(parent) if parent else moment.Source(None)
    default = next((branch.name for branch in there if branch.default), None)
    origin = source.branch or default
    if exists_ok and origin and any(branch.name == chosen for branch in there):
        note(f"Adopted branch {chosen}")
        show(base.adopt(provider, chosen, origin)[0], output)
        return
    with waiting(Narrator(), f"copying {origin or 'nothing'} to {chosen}"):
        created = provider.create(
            chosen,
            origin,
            at=source.at,
            schema_only=schema_only,
            expires_at=end_of(expires_in),
            **_masking(provider, anonymize),
        )
    show(created, output)


@command()
@click.argument("name", shell_complete=completed("branches"))
@click.option(
    "--parent",
    is_flag=False,
    flag_value="^parent",
    metavar="[BRANCH]",
    help="Reset to the parent; the name, when given, must be the parent's.",
)
@_preserve
@click.option("--migrate", is_flag=True, help="Apply pending revisions afterwards.")
@environment
@yes
@output_option
def reset(
    invocation: Invocation,
    *,
    name: str,
    parent: str | None,
    preserve_under_name: str | None,
    migrate: bool,
    environment: str | None,
    yes: bool,
    output: Form,
) -> None:
    """Make a branch a fresh copy of its parent; its URL stays."""
    from limbeck.branches import base

    if parent is None:
        raise click.UsageError("Add --parent: a branch can only be reset to its parent.")
    provider = provider_of(invocation, environment)
    wanted = None if parent == "^parent" else parent
    branch = base.resettable(provider.all(), name, wanted, preserve_under_name)
    if preserve_under_name is None:
        agree(invocation, provider, branch, f"reset to {branch.parent}", yes=yes)
    with waiting(Narrator(), f"resetting {name} to {branch.parent}"):
        fresh = provider.reset(name, wanted, preserve_under=preserve_under_name)
    show(fresh, output)
    if migrate:
        _migrate(invocation, provider, branch.name)


@command()
@click.argument("name", shell_complete=completed("branches"))
@click.argument("source", metavar="SOURCE")
@_preserve
@environment
@yes
@output_option
def restore(
    invocation: Invocation,
    *,
    name: str,
    source: str,
    preserve_under_name: str | None,
    environment: str | None,
    yes: bool,
    output: Form,
) -> None:
    """Replace the content of a branch; its URL stays.

    SOURCE is a branch, a snapshot, ^self or ^parent, and may end in @TIME or @LSN.
    """
    from limbeck.branches import base, moment

    provider = provider_of(invocation, environment)
    origin = moment.parse_source(source)
    branch = base.restorable(provider.all(), name, preserve_under_name)
    if preserve_under_name is None:
        agree(invocation, provider, branch, f"restored from {source}", yes=yes)
    with waiting(Narrator(), f"restoring {name} from {source}"):
        restored = provider.restore(name, origin, preserve_under=preserve_under_name)
    show(restored, output)


def _masking(provider: BranchProvider, path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    from pathlib import Path

    from limbeck.branches.neon import anonymized
    from limbeck.branches.neon.provider import NeonBranches

    if not isinstance(provider, NeonBranches):
        raise ConfigurationError(
            "only Neon can create anonymized branches",
            hint="Remove --anonymize, or choose a Neon environment with -e.",
        )
    return {"masking": anonymized.rules(Path(path))}


def _migrate(invocation: Invocation, provider: BranchProvider, name: str) -> None:
    from dataclasses import replace

    from limbeck.output import plans
    from limbeck.postgres.database import Database
    from limbeck.project.profile import Profile
    from limbeck.run import applying, planning

    project = invocation.project()
    known = {each.neon_branch or each.branch: each for each in project.profiles()}
    profile = replace(known.get(name) or Profile(name, name), protected=False)
    database = Database.from_url(profile.name, provider.url(name))
    plan = planning.plan(project, profile, database, listen=Narrator())
    report = applying.apply(plan, confirm=lambda _: True, listen=Narrator())
    note(plans.report_text(report))
