"""The global options of a command, and the project that they choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from limbeck.project.project import Project

Choice: TypeAlias = Literal["auto", "always", "never"]
CHOICES: Final = ("auto", "always", "never")
COLOR_VARIABLE: Final = "LIMBECK_COLOR"
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass(slots=True)
class Invocation:
    """The global options, which may stand before or after the command's name."""

    debug: bool = False
    directory: str | None = None
    log: str | None = None
    color: Choice | None = None
    progress: Any = None  # a Progress, whose module needs this one
    tenant: str | None = None
    nearest: Project | None = None  # that of the current directory, once somebody knows it

    @property
    def log_to_stderr(self) -> bool:
        """Whether stderr is reserved for the lines of --log-json."""
        return self.log == "-"

    def addressed(self, text: str) -> str:
        """Return a text whose commands are about the tenant that this one is about, if any."""
        if self.tenant is None:
            return text
        from limbeck.shell import for_tenant

        return for_tenant(text, self.tenant)

    def project(
        self, *, no_cache: bool = False, importing: bool = False, running: bool = False
    ) -> Project:
        """Return the project that contains the directory.

        Args:
            no_cache: Ignore cached catalogs.
            importing: Start the project's interpreter, if it has to import the models: it imports
                SQLAlchemy while limbeck imports the rest of the command.
            running: The same for revisions.

        Raises:
            ConfigurationError: there is none.

        """
        from dataclasses import replace
        from pathlib import Path

        from limbeck.project.project import Project

        if self.nearest is not None and not self.directory:
            project = self.nearest
        else:
            project = Project.find(Path(self.directory) if self.directory else None)
        project = replace(project, cache=False) if no_cache else project
        if self.tenant is not None:
            project = _in_tenant(project, self.tenant)
        elif project.tenants is not None:
            project = project.only("shared" if project.has_shared else "tenants")
        if importing:
            from limbeck.shadow import ingredients

            ingredients.prepare(project)
        if running and project.code.start_for_revisions():
            project = replace(project, started=True)
        return project


def _in_tenant(project: Project, tenant: str) -> Project:
    from limbeck.errors import ConfigurationError

    if project.tenants is None:
        raise ConfigurationError(
            f"the project has no tenants, and --tenant is {tenant}",
            hint='Say which schemas are tenants: [tool.limbeck] tenants = "tenant_*".',
        )
    return project.of_tenant(tenant)


def project_for(invocation: Invocation, *sources: str, needed: bool = False) -> Project | None:
    """Return the project, or None where there is none and every source is a URL."""
    from limbeck.errors import ConfigurationError

    try:
        return invocation.project()
    except ConfigurationError:
        if not needed and all("://" in source for source in sources):
            return None
        raise


def remember_debug(invocation: Invocation, *, value: bool) -> None:
    """Store --debug, given before or after the command's name."""
    invocation.debug = invocation.debug or value


def remember_directory(invocation: Invocation, value: str | None) -> None:
    """Store --project; the one after the command's name takes precedence."""
    invocation.directory = value or invocation.directory


def remember_color(invocation: Invocation, value: Choice | None) -> None:
    """Store --color; the one after the command's name takes precedence."""
    invocation.color = value or invocation.color
