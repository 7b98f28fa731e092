"""`pull` as the command calls it: a database into a file, a folder, or the working models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from limbeck.errors import ModelsError
from limbeck.events import Listener, StageStarted
from limbeck.logs import log
from limbeck.models.pull.edit.merged import Merge, unwritable
from limbeck.models.pull.options import Layout, Options, Style
from limbeck.models.pull.prove.proof import Proof, unproved
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.collector import paused
from limbeck.schema.catalog.filters import EVERYTHING, Filters
from limbeck.schema.catalog.read import READING
from limbeck.schema.renames.rename import Rename
from limbeck.shadow.source import Live, Source

if TYPE_CHECKING:
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.schema.catalog.objects.object import Object
    from limbeck.shadow.shadow import Shadow

Choose: TypeAlias = "Callable[[Catalog, Catalog], Sequence[Rename]]"
"""Returns the renames from the tables of the models to those of the database."""


@paused()
def fresh(  # noqa: PLR0913 - choices of the caller
    live: Source,
    out: Path,
    *,
    layout: Layout | None = None,
    style: Style = "declarative",
    project: Project | None = None,
    beside: bool = False,
    proving: bool = True,
    listen: Listener = log,
) -> tuple[Merge, Proof]:
    """Return models of a database for a new file or folder, proved but not written yet.

    Args:
        live: the database.
        out: a file if it ends in .py, else a folder.
        layout: file or package; None for the kind of `out`.
        style: of the classes.
        project: provides the shadow and the ruff settings; None outside a project.
        beside: whether to prove in a scratch database on the server of `live`.
        proving: whether to prove the models at all.
        listen: receives the stages.

    Raises:
        UnavailableError: no connection.
        ConfigurationError: the style is sqlmodel, which is not installed; or `out` is no place for
            models.
        ModelsError: the models do not import, or Postgres refuses them; so it does when a filter
            leaves out an object that another one needs.
        DatabaseError: the role may not create databases where the models are proved.
        ServerError: there is no server of the database's major to prove the models on.

    """
    _refuse_unwritable(out)
    options = Options(
        layout=layout or ("file" if out.suffix == ".py" else "package"),
        package=_package(out),
        root=project.root if project else None,
        style=style,
        names=project.pulled_names if project else {},
    )
    there: dict[Path, bytes] = {}
    notes: list[str] = []

    def read() -> Catalog:
        from limbeck.models.pull.render.packaged import missing  # noqa: PLC0415 - slow to import

        catalog = _read(live, listen, lambda: there.update(_there(out)))
        notes.extend(missing(catalog))
        return catalog

    if proving:
        shadow = _beside(live) if beside and isinstance(live, Live) else None
        filters = live.filters if isinstance(live, Live) else EVERYTHING
        texts, proof, left = _proved(
            read, filters, options, project=project, shadow=shadow, listen=listen
        )
    else:
        catalog = read()
        from limbeck.models.pull.render import writing  # noqa: PLC0415 - imported meanwhile

        texts, proof, left = writing.source(catalog, options, listen), unproved(catalog), ()
    alone = out.suffix == ".py" and list(texts) == ["models.py"]
    files = {(out if alone else out / name): text for name, text in texts.items()}
    before = {
        path: (there.get(path) or path.read_bytes()).decode(errors="replace").replace("\r\n", "\n")
        for path in files
        if path in there or path.is_file()
    }
    changed = {path: text for path, text in files.items() if before.get(path) != text}
    old = {path: before[path] for path in changed if path in before}
    return Merge(changed, old, left=left, notes=tuple(notes)), proof


def _refuse_unwritable(out: Path) -> None:
    """Raise ConfigurationError if models cannot be written, before they are read and proved."""
    place = next(path for path in (out, *out.absolute().parents) if path.exists())
    wanted = place.is_file() if place == out and out.suffix == ".py" else place.is_dir()
    if not wanted:
        raise unwritable(out, f"{place} is {'a folder' if place.is_dir() else 'no folder'}")
    if not os.access(place, os.W_OK):
        raise unwritable(out, "permission denied")


def _there(out: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the contents of the files that may be overwritten, as far as they are readable."""
    for path in [out] if out.is_file() else out.glob("*.py"):
        with suppress(OSError):
            yield path, path.read_bytes()


def into(  # noqa: PLR0913 - choices of the caller
    project: Project,
    profile: Profile | None,
    live: Source,
    *,
    proving: bool = True,
    renames: Choose = lambda _, __: (),
    listen: Listener = log,
) -> tuple[Merge, Proof]:
    """Return how the working models have to change to describe a database; nothing is written yet.

    Args:
        project: its models are changed.
        profile: the environment for which the models are imported.
        live: the database.
        proving: whether to prove the changed models.
        renames: decides what was renamed, of the tables in the models and in the database; their
            classes and attributes keep their names. By default nothing was.
        listen: receives the stages.

    Raises:
        UnavailableError: no connection.
        ModelsError: the working models do not import, or Postgres refuses them.
        NotConfirmedError: `renames` has nobody to ask.

    """
    options = Options(
        package=project.models.partition(":")[0], root=project.root, names=project.pulled_names
    )
    metadata = project.metadata()
    catalog = _read(live, listen)
    # Majors print some definitions differently: the models are created on that of the database.
    project = project.on(catalog.major)
    from limbeck.models.pull.edit import merging  # noqa: PLC0415 - SQLAlchemy is slow to import
    from limbeck.shadow.models import Models  # noqa: PLC0415 - needed by working models only
    from limbeck.shadow.shadow import Shadow  # noqa: PLC0415 - only a proof needs it

    known = Models(project, profile, listen).catalog()
    renamed = renames(tables_of(known), tables_of(catalog))
    merged = merging.merge(metadata, known, catalog, options, renames=renamed)
    if not proving:
        return merged, unproved(catalog)
    from limbeck.models.pull.prove import leaving  # noqa: PLC0415 - only a proof needs it
    from limbeck.models.pull.prove.proving import prove_merged  # noqa: PLC0415 - the same

    shadow = Shadow.of(project, profile, listen=listen)
    filters = live.filters if isinstance(live, Live) else EVERYTHING
    try:
        with shadow.scratch(untrusted=listen) as scratch:
            return merged, prove_merged(
                merged.files,
                merged.gone,
                project.models,
                catalog,
                scratch,
                filters=filters,
                listen=listen,
            )
    except ModelsError as error:
        # They need a change by hand first; the pulled schema is proved by itself instead.
        merged = replace(merged, left=(*merged.left, f"the models as merged: {error}"))
    apart = replace(options, layout="file")
    _, proof, left = leaving.proved(catalog, apart, filters, shadow)
    return replace(merged, left=(*merged.left, *left)), proof


def tables_of(catalog: Catalog) -> Catalog:
    """Return the tables of a catalog and their columns; a partition may follow any other one."""
    # Imported once the questions are sent, as all classes of objects.
    from limbeck.schema.catalog.objects.columns import Column  # noqa: PLC0415 - as above
    from limbeck.schema.catalog.objects.tables import Table  # noqa: PLC0415 - as above

    tables = {
        (table.schema, table.name): table
        for table in catalog.every(Table)
        if table.kind in {"r", "p"} and not (table.partition_of or table.inherits)
    }
    columns = (item for item in catalog.every(Column) if (item.schema, item.table) in tables)
    items: list[Object] = [*tables.values(), *columns]
    return replace(catalog, objects={item.address: item for item in items}, depends={})


def _read(live: Source, listen: Listener, look: Callable[[], object] = lambda: None) -> Catalog:
    """Read the database; while the server starts to answer, import what renders the models."""
    listen(StageStarted(READING))

    def prepare() -> None:
        import_module("limbeck.models.pull.render.writing")
        look()

    if isinstance(live, Live):
        return replace(live, near=True, meanwhile=prepare, progress=listen).catalog()
    prepare()
    return live.catalog()


def _beside(live: Live) -> Shadow:
    """Return the server of a live database, as one on which scratch databases are made."""
    from limbeck.shadow.shadow import Shadow  # noqa: PLC0415 - only a proof needs it

    return Shadow(live.database)


def _package(out: Path) -> str:
    """Return the dotted name of a package, with the packages around it."""
    if not out.stem.isidentifier():
        return "models"
    names, place = [out.stem], out.resolve().parent
    while (place / "__init__.py").is_file():
        names, place = [place.name, *names], place.parent
    return ".".join(names)


def _proved(  # noqa: PLR0913 - the database, the choices, and where to prove
    read: Callable[[], Catalog],
    filters: Filters,
    options: Options,
    *,
    project: Project | None,
    shadow: Shadow | None,
    listen: Listener,
) -> tuple[Mapping[str, str], Proof, tuple[str, ...]]:
    """Return models of a database, their proof and what is left out, by default on the shadow."""
    from limbeck.models.pull.prove import creator, leaving, proving  # noqa: PLC0415 - the same

    with creator.creator() as program:  # it imports SQLAlchemy meanwhile
        catalog = read()
        server = shadow or proving.shadow(project, catalog.major, listen)
        try:
            return leaving.proved(catalog, options, filters, server, listen, program=program)
        except ModelsError as error:
            if filters != EVERYTHING:
                # The likeliest reason: a type, a function or a table that the filters leave out.
                error.hint = "Include the objects that the included ones need."
            raise
