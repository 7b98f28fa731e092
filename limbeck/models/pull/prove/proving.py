"""Creates pulled models in a scratch database and compares it with the source."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from limbeck.events import Listener, ignore
from limbeck.models.pull.options import Options
from limbeck.models.pull.prove.creator import Creator, creator
from limbeck.models.pull.prove.proof import Proof, compared
from limbeck.models.pull.render.respelling import respelled
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project import servers as embedded
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.filters import EVERYTHING, Filters
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.read import read
from limbeck.shadow import servers
from limbeck.shadow.shadow import Shadow
from limbeck.stages import Stage, staged


def prove(  # noqa: PLR0913 - the models, the source and where to create them
    files: Mapping[str, str],
    catalog: Catalog,
    scratch: Database,
    options: Options | None = None,
    filters: Filters = EVERYTHING,
    *,
    program: Creator | None = None,
    listen: Listener = ignore,
) -> Proof:
    """Create the models in an empty database and compare it with their source.

    Args:
        files: the models as source() returned them, by relative path.
        catalog: the source that they were pulled from.
        scratch: an empty database; the models are left in it.
        options: those given to source().
        filters: those with which the catalog was read.
        program: creates the models, if it has been started already.
        listen: receives the stages.

    Raises:
        ModelsError: the models do not import, do not configure, or Postgres refuses them.

    """
    if program is None:
        with creator() as started:
            return prove(files, catalog, scratch, options, filters, program=started, listen=listen)
    with tempfile.TemporaryDirectory(prefix="limbeck-proof-") as folder:
        package = _write(files, Path(folder), options or Options())
        root = (options.root if options else None) or None
        with _proving(catalog, listen) as stage:
            program.create(package, "Base.metadata", Path(folder), root, scratch, stage=stage)
    return _held(catalog, scratch, filters, listen)


def prove_merged(  # noqa: PLR0913 - the models, the source and where to create them
    files: Mapping[Path, str],
    gone: Collection[Address],
    models: str,
    catalog: Catalog,
    scratch: Database,
    *,
    filters: Filters = EVERYTHING,
    listen: Listener = ignore,
) -> Proof:
    """Create working models as they would be after a merge, and compare them with the source.

    Args:
        files: the texts of the files that the merge changes; the files are not written.
        gone: the objects that only the models have, which are no difference.
        models: the imported MetaData, as in "app.models:Base.metadata".
        catalog: the source that was pulled.
        scratch: an empty database; the models are left in it.
        filters: those with which the catalog was read.
        listen: receives the stages.

    Raises:
        ModelsError: the models do not import, do not configure, or Postgres refuses them.

    """
    package, _, metadata = models.partition(":")
    place = Path(sys.modules[package].__file__ or "")
    root = place.parents[package.count(".") + (place.name == "__init__.py")]
    with tempfile.TemporaryDirectory(prefix="limbeck-proof-") as folder, creator() as program:
        inside = {path.relative_to(root): text for path, text in files.items()}
        for top in {place.relative_to(root).parts[0], *(path.parts[0] for path in inside)}:
            _copy(root / top, Path(folder, top))
        for path, text in inside.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        with _proving(catalog, listen) as stage:
            program.create(package, metadata, Path(folder), root, scratch, stage=stage)
    proof = _held(catalog, scratch, filters, listen)
    lost = (
        change for change in proof.lost if change.before is not None or not _is_gone(change, gone)
    )
    # The order of the columns is the author's choice.
    return replace(proof, lost=tuple(lost), reordered=())


def _is_gone(change: Change, gone: Collection[Address]) -> bool:
    """Return whether an object is, or belongs to, one that only the models have."""
    from limbeck.schema.catalog.relations import relation_of  # noqa: PLC0415 - slow, see read()

    relation = relation_of(change.after) if change.after else None
    return change.address in gone or (relation is not None and Address("table", *relation) in gone)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    elif source.is_file():
        shutil.copy2(source, target)


def _proving(catalog: Catalog, listen: Listener) -> AbstractContextManager[Stage]:
    count = sum(1 for _ in catalog.every(Table))
    return staged(listen, "proving the models on the shadow", "table", count)


def _held(catalog: Catalog, scratch: Database, filters: Filters, listen: Listener) -> Proof:
    """Compare a source with a scratch database."""
    with connect(scratch) as connection:
        created = read(connection, filters=filters, listen=listen)
        proof = compared(catalog, _as_if_filled(created, catalog))
        same = respelled(proof.lost, connection)
    return replace(
        proof, lost=tuple(change for change in proof.lost if change not in same), respelled=same
    )


def _as_if_filled(created: Catalog, source: Catalog) -> Catalog:
    """Return a catalog whose materialized views are filled as in the source.

    `create` leaves them all empty, so that the queries of the source do not run here.
    """
    from limbeck.schema.catalog.objects.views import View  # noqa: PLC0415 - slow, see read()

    filled = {
        view.address: replace(view, populated=other.populated)
        for view in created.of(View)
        if view.materialized and isinstance(other := source.objects.get(view.address), View)
    }
    return replace(created, objects={**created.objects, **filled}) if filled else created


def _write(files: Mapping[str, str], folder: Path, options: Options) -> str:
    package = options.package if options.layout == "package" else "models"
    parents = package.split(".")
    place = folder.joinpath(*parents) if options.layout == "package" else folder
    for path, text in files.items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return package


def shadow(project: Project | None, major: int, listen: Listener) -> Shadow:
    """Return a shadow of a major; without a project, its data are in the user's cache folder.

    Args:
        project: The project, or None.
        major: The major of the database whose models are proved.
        listen: Receives the start of a server.

    Raises:
        ServerError: There is no server of this major.

    """
    if project is not None:
        return Shadow.of(project.on(major), listen=listen)
    url = os.environ.get(servers.SETTING)
    return Shadow(servers.outside(embedded.outside(), url, major).open(listen))
