"""A fleet: its databases, its environment and its rollout, as options or a profile give them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.fleet import waves
from limbeck.fleet.selection import KINDS, Selection
from limbeck.postgres.duration import seconds
from limbeck.project import profile as profiles
from limbeck.project.profile import FLEET, Profile, ProfileFiles

if TYPE_CHECKING:
    from limbeck.project.project import Project

AT_ONCE: Final = 8
WAVES: Final = waves.ALL


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a fleet is migrated.

    Args:
        canaries: The databases that come first: names with commas, or a number.
        waves: The sizes of the waves after them.
        pause: Seconds to wait before the next wave.
        gate: A command that must exit 0 before the next wave.
        ask: Ask before the next wave.
        at_once: How many databases of a server are migrated at the same time.
        max_failures: How many databases may fail before no further one is begun.

    """

    canaries: str | None = None
    waves: str = WAVES
    pause: float = 0.0
    gate: str | None = None
    ask: bool = False
    at_once: int = AT_ONCE
    max_failures: int = 0


@dataclass(frozen=True, slots=True)
class Fleet:
    """Many databases with one history.

    `name` is that of its profile, or None where options select the databases. `profile` has its
    timeouts, its protection and its history. `template` is what a new tenant is copied from.
    """

    name: str | None
    profile: Profile
    selection: Selection
    rollout: Rollout = Rollout()
    template: str | None = None


def words(fleet: Fleet) -> tuple[str, ...]:
    """Return the options of a command line that select the databases of a fleet."""
    if fleet.name is not None:
        return "-e", fleet.name
    chosen, kind = fleet.selection, fleet.selection.kind
    option = f"--{kind.replace('_', '-')}"
    if chosen.query is not None:
        return option, *chosen.query
    environment = ("-e", chosen.environment) if chosen.environment else ()
    return option, str(getattr(chosen, kind)), *environment


def read(project: Project, name: str) -> Fleet:
    """Return the fleet of a profile, env_profiles/<name>.fleet.env.

    Raises:
        ConfigurationError: A setting is wrong, or none selects the databases.

    """
    files = ProfileFiles(project.profiles_dir, f"{name}{FLEET}")
    settings = files.settings()
    place = f"{files.folder.name}/{files.committed.name}"
    selection = _selection(settings, place)
    if not any(getattr(selection, kind) for kind in KINDS):
        raise ConfigurationError(
            f"{place} selects no databases",
            hint="Write URLS, QUERY, DATABASES, NEON_PROJECTS or NEON_BRANCHES into it.",
        )
    base = profiles.load(project.root, project.profiles_dir, f"{name}{FLEET}")
    return Fleet(name, base, selection, _rollout(settings, place), settings.get("TEMPLATE"))


def of_options(project: Project, selection: Selection) -> Fleet:
    """Return the fleet that options select; without an environment it has the usual timeouts.

    Raises:
        ConfigurationError: None or several of them select databases; an environment is unknown.

    """
    kind = selection.kind
    environment = selection.query[0] if selection.query else selection.environment
    if environment is None and kind in {"urls", "neon_projects", "neon_branches"}:
        return Fleet(None, Profile("fleet", "fleet"), selection)
    profile = project.profile(environment)
    chosen = replace(selection, environment=profile.name)
    return Fleet(None, profile, chosen)


def _selection(settings: dict[str, str], place: str) -> Selection:
    query: tuple[str, str] | None = None
    if text := settings.get("QUERY"):
        environment, _, statement = text.partition(" ")
        if not statement.strip():
            raise ConfigurationError(
                f"{place}: QUERY has no query after the environment",
                hint="Write it as in QUERY=control SELECT name, url FROM tenants.",
            )
        query = environment, statement.strip()
    return Selection(
        urls=Path(settings["URLS"]) if "URLS" in settings else None,
        query=query,
        databases=settings.get("DATABASES"),
        neon_projects=settings.get("NEON_PROJECTS"),
        neon_branches=settings.get("NEON_BRANCHES"),
        environment=settings.get("ENVIRONMENT"),
        without=settings.get("TEMPLATE"),
    )


def _rollout(settings: dict[str, str], place: str) -> Rollout:
    sizes = settings.get("WAVES", WAVES)
    waves.check(sizes)
    return Rollout(
        canaries=settings.get("CANARIES"),
        waves=sizes,
        pause=pause(settings.get("PAUSE", "0"), f"{place}: PAUSE="),
        gate=settings.get("GATE"),
        at_once=_number(settings, "AT_ONCE", AT_ONCE, place) or 1,
        max_failures=_number(settings, "MAX_FAILURES", 0, place),
    )


def pause(text: str, place: str) -> float:
    """Return the seconds of a pause between waves.

    Raises:
        ConfigurationError: It is not a duration.

    """
    try:
        return seconds(text)
    except (KeyError, ValueError):
        raise ConfigurationError(
            f"{place}{text} is not a duration", hint="Write it as in 30s or 10min."
        ) from None


def _number(settings: dict[str, str], key: str, usual: int, place: str) -> int:
    text = settings.get(key, str(usual))
    if not text.isdecimal():
        raise ConfigurationError(f"{place}: {key} is not a number", hint=f"Write {key}={usual}.")
    return int(text)
