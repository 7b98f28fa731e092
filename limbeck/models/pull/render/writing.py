"""`pull` into new files: a catalog as the source of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.events import Listener, ignore
from limbeck.models.pull.options import Options
from limbeck.models.pull.render import modules
from limbeck.models.pull.render.annotations import implied_by, preferred
from limbeck.models.pull.render.beside import Declaration, beside
from limbeck.models.pull.render.contents import Contents, contents
from limbeck.models.pull.render.conventions import detect
from limbeck.models.pull.render.models import Models, Naming, models
from limbeck.models.pull.render.naming import Choices
from limbeck.models.pull.render.plain import plain
from limbeck.models.pull.render.reserved import Clash
from limbeck.models.pull.render.split import early, late_parts
from limbeck.models.pull.render.streams import file_formatted, modules_formatted
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.collector import paused
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.stages import Stage, staged

WRITING: Final = "writing the models"


def source(
    catalog: Catalog, options: Options | None = None, listen: Listener = ignore
) -> Mapping[str, str]:
    """Return models that create the same schema: the text of each file, by relative path.

    The layout "file" has the only path "models.py". The same catalog gives the same bytes.

    Args:
        catalog: the schema.
        options: the layout and the style.
        listen: receives the stage, and how far it is.

    Raises:
        ConfigurationError: the style is sqlmodel, which is not installed.
        RuffError: ruff cannot parse the settings of the repository.

    """
    with paused():
        return rendered(described(catalog), options or Options(), listen)


@dataclass(frozen=True, slots=True)
class Description:
    """What is rendered of a catalog: its tables for SQLAlchemy, and entities for the rest.

    `without` are tables that entities describe, because SQLAlchemy cannot create them.
    """

    catalog: Catalog
    tables: Mapping[Address, Contents]
    declarations: Sequence[Declaration]
    without: frozenset[Address] = frozenset()


def described(catalog: Catalog, without: frozenset[Address] = frozenset()) -> Description:
    """Divide a catalog into tables and entities.

    Args:
        catalog: the schema.
        without: the tables that SQLAlchemy must not describe.

    """
    made_early = early(catalog)
    every = {at: table for at, table in contents(catalog).items() if at not in without}
    tables = plain(every, late_parts(catalog, made_early))
    return Description(catalog, tables, beside(catalog, made_early, tables), without)


def rendered(
    description: Description, options: Options, listen: Listener = ignore
) -> Mapping[str, str]:
    """Return the text of each file, as source() does."""
    catalog, tables = description.catalog, description.tables
    count = sum(1 for _ in catalog.every(Table))
    with paused(), staged(listen, WRITING, "table", count) as stage:
        entities = description.declarations
        naming = Naming(
            style=options.style,
            together=options.layout == "file",
            choices=Choices(options.names),
        )
        while True:
            named, base = _named(catalog, tables, naming)
            try:
                return _formatted(named, base, entities, options, stage)
            except Clash:
                # Rare: rendered without looking for it first, which would take as long again.
                stage.done = 0
                needed = {
                    table: names | naming.clashes.get(table, frozenset())
                    for table, names in modules.clashes(named).items()
                }
                naming = replace(naming, clashes={**naming.clashes, **needed})


def _formatted(
    named: Models, base: Source, entities: Sequence[Declaration], options: Options, stage: Stage
) -> Mapping[str, str]:
    if options.layout == "package":
        texts = modules.package(named, base, entities, options, stage)
        return modules_formatted(texts, options)
    pieces = modules.file(named, base, entities, stage)
    home = modules.Home(None, style=options.style)
    return {"models.py": file_formatted(modules.DOCSTRING, pieces, home, options)}


def _named(
    catalog: Catalog, tables: Mapping[Address, Contents], naming: Naming
) -> tuple[Models, Source]:
    """Return the tables with their names in Python, and the base of their classes."""
    convention, style = detect(tables.values()), naming.style
    columns = (column.type for table in tables.values() for column in table.columns)
    # SQLModel has no map of types that could be changed.
    types = {} if style == "sqlmodel" else preferred(columns)
    implied = implied_by(style) | {key: type_ for key, (type_, _) in types.items()}
    named = models(catalog, tables, convention=convention, implied=implied, naming=naming)
    changed = {key: type_ for key, (_, type_) in types.items()}
    return named, modules.base(convention, changed, style)
