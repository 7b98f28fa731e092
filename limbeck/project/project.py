"""The project: a folder with models, a history and profiles, and its settings."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, LimbeckError, UnknownProfileError
from limbeck.project import profile as profiles
from limbeck.project import script_location as history
from limbeck.project.code.choice import Code
from limbeck.project.code.place import Place
from limbeck.project.ignored import Ignored, ignored
from limbeck.project.profile import Profile, is_fleet
from limbeck.project.pulled import pulled_names

if TYPE_CHECKING:
    import sqlalchemy

MASKED = ("*passw*", "*pwd*", "*secret*", "*token*", "*api_key*", "*apikey*", "*private_key*")
"""Columns whose values no page shows, unless the setting `mask` names others."""


Part: TypeAlias = Literal["shared", "tenants"]
"""The history of what exists once, and that of what each tenant has."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with [tool.limbeck] in its pyproject.toml, or with alembic.ini and env_profiles/.

    `versions` is the folder of the revision files, if it is not the script location's own, and
    `more_versions` are others that have some. `import_paths` are folders beside the root that the
    code is imported from. `ini` is Alembic's file, if it is not alembic.ini in the root, and
    `section` the part of it that describes this history.
    `pulled_names` are those in Python that `pull` has to use, by names in the database.
    `shadow_major` is the major on which schemas are tried out, if the caller needs a certain one.
    `tenants` selects the schemas that each hold the tables without a schema: a query, or a pattern
    of their names; `template` is the one that new tenants are made from, `tenant_versions` the
    folder of their revisions. `part` is the history that a command is about, if not both, and
    `tenant` the schema that it works in, `hides` those that are no part of what it reads; `across`
    is the revision of the other history that a new one needs.
    `files` is the folder of limbeck's own files, if it is not .limbeck in the root.
    `mask` has patterns of columns whose values are not shown: "column", "table.column" or
    "schema.table.column".
    `afresh` says that the models are imported several times, as they are then, `started` that the
    worker for revisions has been started. `absent` has the environments that have just not
    answered, with the reason: they are not asked again.
    """

    root: Path
    script_location: Path
    versions: Path | None = None
    more_versions: tuple[Path, ...] = ()
    import_paths: tuple[Path, ...] = ()
    ini: Path | None = None
    section: str = "alembic"
    models: str = "app.models:Base.metadata"
    profiles_dir: Path = Path("env_profiles")
    default_environment: str = "development"
    include_schemas: tuple[str, ...] = ()
    exclude_schemas: tuple[str, ...] = ()
    include_tables: tuple[str, ...] = ()
    exclude_tables: tuple[str, ...] = ()
    grants: bool = False
    recipes: str = "online"
    zero_downtime: bool = False
    cache: bool = True
    hooks: str | None = None
    python: str | None = None
    env_file: str | None = None
    ignore: Ignored = field(default_factory=Ignored)
    mask: tuple[str, ...] = MASKED
    pulled_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tenants: str | None = None
    template: str | None = None
    tenant_versions: Path | None = None
    part: Part | None = None
    tenant: str | None = None
    hides: tuple[str, ...] = ()
    across: str | None = None
    shadow_major: int | None = None
    afresh: bool = False
    started: bool = field(default=False, compare=False, repr=False)
    files: Path | None = None
    absent: Mapping[str, LimbeckError] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Return the project in a folder, or in the nearest folder above it.

        Raises:
            ConfigurationError: there is none, or its settings are wrong.

        """
        begin = (start or Path.cwd()).resolve()
        for folder in (begin, *begin.parents):
            settings = _settings(folder)
            if settings is not None:
                return cls.at(folder, settings)
        raise ConfigurationError(f"there is no project in {begin} or above it", hint="limbeck init")

    @classmethod
    def at(cls, root: Path, settings: dict[str, Any]) -> Project:
        """Return the project in a folder with these settings, written there or not.

        Raises:
            ConfigurationError: a setting is wrong.

        """
        _refuse_shadowing(root)
        _refuse_unknown(settings)
        values = {_FIELDS[key][0]: _checked(key, value) for key, value in settings.items()}
        values["ignore"] = ignored(values.get("ignore", {}))
        values["pulled_names"] = pulled_names(values.get("pulled_names", {}))
        values["profiles_dir"] = root / values.get("profiles_dir", "env_profiles")
        own_folder = values.pop("tenant_versions", None)
        _refuse_untold(values)
        ini = root / values.pop("ini") if "ini" in values else None
        tool = tools(root).get("alembic", {}) if ini is None else {}
        section = values.get("section", "alembic")
        if ini is None and "section" in values:
            ini = root / "alembic.ini"
        places = history.places(root, tool, ini, section)
        return cls(
            root=root,
            script_location=places.script_location,
            versions=places.versions,
            more_versions=places.more,
            tenant_versions=root / own_folder if own_folder else places.script_location / "tenants",
            import_paths=places.paths,
            ini=ini,
            **values,
        )

    @property
    def home(self) -> Path:
        """The folder of limbeck's own files: the embedded server, caches."""
        return self.files or self.root / ".limbeck"

    def only(self, part: Part, *, across: str | None = None) -> Project:
        """Return the project with one of its two histories."""
        return replace(self, part=part, across=across)

    def of_tenant(self, name: str) -> Project:
        """Return the project in the schema of one tenant."""
        return replace(self, part="tenants", tenant=name)

    @property
    def has_shared(self) -> bool:
        """Whether something exists once, beside what each tenant has."""
        own = self.versions or self.script_location / "versions"
        return self.tenants is None or self.tenant_versions != own

    def on(self, major: int) -> Project:
        """Return the project with a shadow of this major, as a comparison with one needs it."""
        return self if self.shadow_major == major else replace(self, shadow_major=major)

    def profiles(self) -> tuple[Profile, ...]:
        """Return every profile, sorted by name."""
        names = profiles.names(self.profiles_dir)
        return tuple(profiles.load(self.root, self.profiles_dir, name) for name in names)

    def environment_like(self, name: str) -> str | None:
        """Return the environment that a misspelled or shortened name stands for, if any."""
        known = profiles.names(self.profiles_dir)
        longer = [each for each in known if each.startswith(name)]
        return next(iter((*longer, *difflib.get_close_matches(name, known, n=1))), None)

    def profile(self, name: str | None = None) -> Profile:
        """Return the profile of that name, by default the default environment's.

        Raises:
            UnknownProfileError: there is no such file; names the files that exist.
            ConfigurationError: the file has an unknown key or an invalid value.

        """
        wanted = name or self.default_environment
        known = profiles.names(self.profiles_dir)
        if wanted not in known:
            raise self._unknown(wanted, known)
        return profiles.load(self.root, self.profiles_dir, wanted)

    def metadata(self) -> sqlalchemy.MetaData:
        """Return the tables that the models declare.

        Raises:
            ConfigurationError: the setting `models` does not name a MetaData.
            ModelsError: they do not import; says where and why.

        """
        return self.code.of_models().metadata(self.models)

    @property
    def code(self) -> Code:
        """The access to the project's Python files."""
        first = self.versions or self.script_location / "versions"
        return self.code_for(first, *self.more_versions)

    def code_for(self, *versions: Path) -> Code:
        """Return the access to the project's Python files, with these folders of revisions."""
        ini = self.ini or self.root / "alembic.ini"
        folders = os.pathsep.join(map(str, versions))
        paths = tuple(map(str, self.import_paths))
        place = Place(str(ini), str(self.script_location), folders, self.section, paths)
        return Code(
            self.root,
            place,
            self.models,
            self.python,
            self.env_file,
            self.afresh,
            self.tenants is not None,
        )

    def _unknown(self, wanted: str, known: tuple[str, ...]) -> UnknownProfileError:
        folder = self.profiles_dir.name
        if is_fleet(self.profiles_dir, wanted):
            return UnknownProfileError(
                f"{wanted} is a fleet of databases, which this command does not take",
                hint="The commands for fleets: limbeck fleet --help",
            )
        if not known:
            message = f"there is no environment {wanted}: {folder}/ has no profile"
            return UnknownProfileError(message, hint=f"Write {folder}/{wanted}.env.")
        near = self.environment_like(wanted)
        return UnknownProfileError(
            f"there is no environment {wanted}; known are {', '.join(known)}",
            hint=f"Did you mean {near}?" if near else f"write {folder}/{wanted}.env",
        )


_FIELDS: dict[str, tuple[str, type]] = {
    "models": ("models", str),
    "profiles": ("profiles_dir", str),
    "default-environment": ("default_environment", str),
    "include-schemas": ("include_schemas", list),
    "exclude-schemas": ("exclude_schemas", list),
    "include-tables": ("include_tables", list),
    "exclude-tables": ("exclude_tables", list),
    "grants": ("grants", bool),
    "recipes": ("recipes", str),
    "zero-downtime": ("zero_downtime", bool),
    "cache": ("cache", bool),
    "hooks": ("hooks", str),
    "python": ("python", str),
    "env-file": ("env_file", str),
    "tenants": ("tenants", str),
    "template": ("template", str),
    "tenant-versions": ("tenant_versions", str),
    "alembic-ini": ("ini", str),
    "alembic-section": ("section", str),
    "ignore": ("ignore", dict),
    "mask": ("mask", list),
    "pull": ("pulled_names", dict),
}
_CHOICES: dict[str, tuple[str, ...]] = {"recipes": ("online", "plain")}

_SHAPES: dict[type, tuple[str, str]] = {
    str: ("a string", '"..."'),
    list: ("a list of strings", '["..."]'),
    bool: ("true or false", "true"),
}


def _settings(folder: Path) -> dict[str, Any] | None:
    """Return [tool.limbeck] of a folder, or None if it is not a project."""
    sections = tools(folder)
    if "limbeck" in sections:
        return dict(sections["limbeck"])
    here = (folder / "alembic.ini").is_file() and (folder / "env_profiles").is_dir()
    return {} if here else None


def tools(folder: Path) -> dict[str, Any]:
    """Return [tool] of a folder's pyproject.toml; empty if there is no file.

    Raises:
        ConfigurationError: the file cannot be read.

    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        return dict(tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def _refuse_unknown(settings: dict[str, Any]) -> None:
    for key in settings.keys() - _FIELDS.keys():
        near = difflib.get_close_matches(key, _FIELDS, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise ConfigurationError(
            f"[tool.limbeck] has no setting {key}",
            hint=f"{hint}The settings are {', '.join(_FIELDS)}.",
        )


def _checked(key: str, value: Any) -> Any:
    kind = _FIELDS[key][1]
    if kind is dict:
        return value  # whose checks are its own
    if key in _CHOICES and value not in _CHOICES[key]:
        raise ConfigurationError(
            f"[tool.limbeck] {key} is {value!r}", hint=f"Choose one of {', '.join(_CHOICES[key])}."
        )
    if kind is str and isinstance(value, str):
        return value
    if kind is bool and isinstance(value, bool):
        return value
    if kind is list and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    shape, example = _SHAPES[kind]
    raise ConfigurationError(
        f"[tool.limbeck] {key} is not {shape}", hint=f"Write it as in {key} = {example}."
    )


def _refuse_untold(values: dict[str, Any]) -> None:
    if "tenants" not in values and "template" in values:
        raise ConfigurationError(
            "[tool.limbeck] has a template, and does not say which schemas are tenants",
            hint='Write it as in tenants = "tenant_*".',
        )


def _refuse_shadowing(root: Path) -> None:
    if (root / "alembic" / "__init__.py").exists():
        raise ConfigurationError(
            "alembic/__init__.py makes your folder a package that hides the Alembic library",
            hint="Delete alembic/__init__.py; the folder needs none.",
        )
