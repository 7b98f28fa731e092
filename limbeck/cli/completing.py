"""What may stand in place of a name, when a shell completes it.

Click's shell scripts call `limbeck` at each Tab. A function here returns nothing where there is no
project, and where something is broken: a shell has no place for an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from limbeck.cli.invocation import Invocation
from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from limbeck.project.project import Project


def environments(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the environments whose names begin so."""
    return _items(_environments(ctx), incomplete)


def revisions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the revisions whose ids begin so, newest first, with their messages."""
    return _items(_revisions(ctx), incomplete)


def branches(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the branches whose names begin so; no server is started to ask it."""
    return _items(_branches(ctx), incomplete)


def _items(named: Iterator[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    items: dict[str, CompletionItem] = {}
    with suppress(LimbeckError, OSError):
        for name, text in named:
            if name.startswith(incomplete):
                items.setdefault(name, CompletionItem(name, help=text or None))
    return list(items.values())


def _project(ctx: click.Context) -> Project:
    # The options before the command are parsed, but no command has run with them.
    directory = ctx.find_root().params.get("directory")
    return Invocation(directory=directory).project()


def _environments(ctx: click.Context) -> Iterator[tuple[str, str]]:
    for profile in _project(ctx).profiles():
        yield profile.name, "protected" if profile.protected else ""


def _revisions(ctx: click.Context) -> Iterator[tuple[str, str]]:
    from limbeck.history.history import History

    project = _project(ctx)
    name = ctx.params.get("environment")
    history = History.of(project, project.profile(name) if name else None)
    yield "head", ""
    for revision in reversed(history.revisions()):
        yield revision.id, revision.message


def _branches(ctx: click.Context) -> Iterator[tuple[str, str]]:
    from limbeck.project import places, servers

    project = _project(ctx)
    name = ctx.params.get("environment")
    profile = project.profile(name) if name else project.profile()
    for each in project.profiles():
        yield each.branch, ""
    if profile.neon_branch or servers.local(project).running():
        for branch in places.branches(project, profile).all():
            yield branch.name, ""
