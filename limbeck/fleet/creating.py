"""Create a tenant at the head of the history: a copy of a template that is migrated first."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from limbeck.branches import copying
from limbeck.dataclass import dataclass
from limbeck.errors import BranchError, ConfigurationError, DatabaseError
from limbeck.fleet import fleet as overviews
from limbeck.fleet import template as templates
from limbeck.fleet.site import Site, site
from limbeck.postgres.connect import connect
from limbeck.project import urls

if TYPE_CHECKING:
    from limbeck.events import Listener
    from limbeck.fleet.profile import Fleet
    from limbeck.project.project import Project


@dataclass(frozen=True, slots=True)
class Tenant:
    """A new database of a fleet; `listed` is the file of URLs to which it was added."""

    name: str
    destination: str
    current: tuple[str, ...]
    template: str
    listed: Path | None = None


def create(
    project: Project, fleet: Fleet, name: str, template: str | None, listen: Listener
) -> Tenant:
    """Create a tenant from the fleet's template, which is created or migrated first if need be.

    Args:
        project: The project.
        fleet: The fleet.
        name: The name of the new database, or of the branch at Neon.
        template: What to copy, instead of the fleet's own template.
        listen: Receives the creation of a template, and its migration.

    Raises:
        ConfigurationError: There is no template, or the name is not one of the fleet.
        BranchError: The database exists, or sessions use the template.
        MigrationError: The template cannot be migrated.

    """
    source = template or fleet.template
    if source is None:
        raise ConfigurationError(
            "the fleet has no template", hint="Add --template NAME, or TEMPLATE to its profile."
        )
    _refuse_other(fleet, name)
    here = site(overviews.refer(project, fleet))
    if fleet.selection.kind.startswith("neon"):
        return _at_neon(here, name, source, listen)
    server = templates.server(here)
    # Postgres copies only a database without sessions, so not from one in the template itself.
    with connect(server.on("postgres") if server.dbname == source else server) as connection:
        is_new = templates.ensured(connection, source, listen)
        current = templates.at_head(here, templates.of(here, source), listen, is_new=is_new)
        try:
            copying.copy_files(connection, source, name)
            copying.copy_settings(connection, source, name)
        except psycopg.errors.DuplicateDatabase:
            raise BranchError(f"the database {name} exists already") from None
        except psycopg.errors.ObjectInUse:
            raise BranchError(
                f"sessions use the template {source}, so Postgres cannot copy it",
                hint=f"Close them. Nothing but `limbeck fleet create` should connect to {source}.",
            ) from None
        except psycopg.Error as error:
            raise DatabaseError(f"{name} cannot be created: {error}") from error
    tenant = replace(server.on(name), name=name)
    return Tenant(name, tenant.destination, current, source, _listed(here, name, tenant.url))


def _refuse_other(fleet: Fleet, name: str) -> None:
    pattern = fleet.selection.databases or fleet.selection.neon_branches
    if pattern is not None and not fnmatchcase(name, pattern):
        raise ConfigurationError(
            f"{name} would not be a database of the fleet, whose pattern is {pattern}",
            hint="Choose a name that matches it.",
        )


def _at_neon(here: Site, name: str, source: str, listen: Listener) -> Tenant:
    current = templates.at_head(here, templates.of(here, source), listen)
    provider = templates.provider(here)
    provider.create(name, source)
    destination = urls.timed(here.fleet.profile, provider.url(name)).destination
    return Tenant(name, destination, current, source)


def _listed(here: Site, name: str, url: str) -> Path | None:
    """Add a tenant to the file of URLs, if the fleet is read from one."""
    path = here.fleet.selection.urls
    if path is None:
        return None
    file = path if path.is_absolute() else here.project.root / path
    text = file.read_text(encoding="utf-8")
    end = "" if not text or text.endswith("\n") else "\n"
    with file.open("a", encoding="utf-8") as output:
        output.write(f"{end}{name} {url}\n")
    return path
