"""The options that select the databases of a fleet and describe its rollout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from limbeck.cli.invocation import Invocation
from limbeck.cli.options import Function, completed
from limbeck.dataclass import dataclass

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from limbeck.fleet.fleet import Only, Overview
    from limbeck.fleet.order import Order
    from limbeck.fleet.profile import Fleet
    from limbeck.project.project import Project


def selecting(function: Function) -> Function:
    """Add the options that select databases, and where they are asked."""
    return _with(function, _SELECTING)


def rollout_options(function: Function) -> Function:
    """Add the options of a rollout: canaries, waves, gates, the budget of failures."""
    return _with(function, _ROLLOUT)


def _with(function: Function, options: tuple[Callable[[Function], Function], ...]) -> Function:
    for option in reversed(options):
        function = option(function)
    return function


def _shard(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    number, _slash, count = value.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 0 < int(number) <= int(count)):
        raise click.BadParameter(f"{value} is not a shard: write 1/4 for the first of four.")
    return int(number), int(count)


_SELECTING: tuple[Any, ...] = (
    click.option(
        "-e",
        "--env",
        "environment",
        metavar="NAME",
        shell_complete=completed("environments"),
        help="A fleet, as in env_profiles/NAME.fleet.env; or the environment of the databases.",
    ),
    click.option("--urls", metavar="FILE", help="A file with a URL in each line, after a name."),
    click.option(
        "--query",
        metavar="ENV SQL",
        nargs=2,
        default=None,
        help="A query of an environment's database that returns names and URLs.",
    ),
    click.option("--databases", metavar="GLOB", help="Databases on the server of -e."),
    click.option("--neon-projects", metavar="TEXT", help="Projects at Neon with this in a name."),
    click.option("--neon-branches", metavar="GLOB", help="Branches of the Neon project."),
    click.option(
        "--name", "names", metavar="NAME", multiple=True, help="Only this database. Repeatable."
    ),
    click.option(
        "--shard", metavar="I/N", callback=_shard, help="Only every N-th database, from the I-th."
    ),
    click.option(
        "--at-once",
        metavar="N",
        type=click.IntRange(1, 64),
        help="How many databases of a server at the same time; 8 if nothing else is set.",
    ),
    click.option("--dask", metavar="ADDRESS", help="Use the workers of this Dask scheduler."),
)
_ROLLOUT: tuple[Any, ...] = (
    click.option(
        "--canaries", metavar="NAMES", help="The databases that come first; or how many do."
    ),
    click.option("--waves", metavar="SIZES", help="Sizes of waves, such as 1,10,25%,all."),
    click.option("--pause", metavar="TIME", help="How long to wait before the next wave."),
    click.option("--gate", metavar="COMMAND", help="What must exit 0 before the next wave."),
    click.option("--ask", is_flag=True, help="Ask before the next wave."),
    click.option(
        "--max-failures",
        metavar="N",
        type=click.IntRange(min=0),
        help="How many databases may fail before no further one is begun; 0 if not set.",
    ),
    click.option(
        "--wait",
        metavar="SECONDS",
        type=click.FloatRange(min=0),
        default=60,
        show_default=True,
        help="How long to wait for the migration lock of a database.",
    ),
    click.option(
        "--only",
        metavar="WHICH",
        type=click.Choice(["failed", "pending", "behind"]),
        help="Only those that failed, have something pending, or are behind others.",
    ),
)


@dataclass(slots=True)
class Chosen:
    """The fleet of a command, and where its databases are asked."""

    project: Project
    fleet: Fleet
    only: Only | None = None
    executor: Executor | None = field(default=None)

    @classmethod
    @contextmanager
    def of(cls, invocation: Invocation, options: Mapping[str, Any]) -> Iterator[Chosen]:
        """Yield the fleet that options choose, with the executor that they name."""
        from limbeck.fleet import profile as fleets
        from limbeck.fleet.selection import Selection
        from limbeck.project import profile as profiles

        project = invocation.project()
        environment = options["environment"]
        selection = Selection(
            urls=Path(options["urls"]) if options["urls"] else None,
            query=tuple(options["query"]) if options["query"] else None,
            databases=options["databases"],
            neon_projects=options["neon_projects"],
            neon_branches=options["neon_branches"],
            environment=environment,
            names=tuple(options["names"]),
            shard=options["shard"],
        )
        if profiles.is_fleet(project.profiles_dir, environment):
            fleet = fleets.read(project, environment)
            names, shard = selection.names, selection.shard
            fleet = replace(fleet, selection=replace(fleet.selection, names=names, shard=shard))
        else:
            fleet = fleets.of_options(project, selection)
        chosen = cls(project, _rolled(fleet, options), options.get("only"))
        if options["dask"] is None:
            yield chosen
            return
        from limbeck.fleet import remote

        with remote.dask(options["dask"]) as executor:
            chosen.executor = executor
            yield chosen

    def look(
        self, order: Order | None = None, *, lint: bool = False, contents: bool = False
    ) -> Overview:
        """Return where the databases stand, with the plans of an order."""
        from limbeck.cli.narrating import Narrator
        from limbeck.fleet import fleet as overviews
        from limbeck.fleet.order import Order

        return overviews.look(
            self.project,
            self.fleet,
            order or Order("migrate"),
            contents=contents,
            executor=self.executor,
            listen=Narrator(),
            lint=lint,
        )


def _rolled(fleet: Fleet, options: Mapping[str, Any]) -> Fleet:
    """Return the fleet with the rollout of its profile, as far as no option says otherwise."""
    from limbeck.fleet import profile as fleets
    from limbeck.fleet import waves

    names = ("canaries", "waves", "gate", "at_once", "max_failures")
    given = {name: options[name] for name in names if options.get(name) is not None}
    if "waves" in given:
        waves.check(given["waves"])
    if options.get("pause"):
        given["pause"] = fleets.pause(options["pause"], "--pause ")
    if options.get("ask"):
        given["ask"] = True
    return replace(fleet, rollout=replace(fleet.rollout, **given))
