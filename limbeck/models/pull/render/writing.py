"""`pull` into new files: a catalog as the source of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from limbeck.events import Listener, ignore
from limbeck.models.pull.options import Options
from limbeck.models.pull.render import modules
from limbeck.models.pull.render.annotations import implied_by, preferred
from limbeck.models.pull.render.beside import beside
from limbeck.models.pull.render.contents import Contents, contents
from limbeck.models.pull.render.conventions import detect
from limbeck.models.pull.render.models import Models, models
from limbeck.models.pull.render.plain import plain
from limbeck.models.pull.render.split import early, late_parts
from limbeck.models.pull.render.streams import file_formatted, modules_formatted
from limbeck.models.source.text import Source
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.collector import paused
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.stages import staged

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
    options = options or Options()
    count = sum(1 for _ in catalog.every(Table))
    with paused(), staged(listen, WRITING, "table", count) as stage:
        made_early = early(catalog)
        tables = plain(contents(catalog), late_parts(catalog, made_early))
        entities = [declaration.source for declaration in beside(catalog, made_early, tables)]
        named, base = _named(catalog, tables, options)
        if options.layout == "package":
            texts = modules.package(named, base, entities, options, stage)
            return modules_formatted(texts, options)
        pieces = modules.file(named, base, entities, stage)
        home = modules.Home(None, style=options.style)
        return {"models.py": file_formatted(modules.DOCSTRING, pieces, home, options)}


def _named(
    catalog: Catalog, tables: Mapping[Address, Contents], options: Options
) -> tuple[Models, Source]:
    """Return the tables with their names in Python, and the base of their classes."""
    convention = detect(tables.values())
    columns = (column.type for table in tables.values() for column in table.columns)
    # SQLModel has no map of types that could be changed.
    types = {} if options.style == "sqlmodel" else preferred(columns)
    implied = implied_by(options.style) | {key: type_ for key, (type_, _) in types.items()}
    named = models(catalog, tables, convention=convention, implied=implied, style=options.style)
    changed = {key: type_ for key, (_, type_) in types.items()}
    return named, modules.base(convention, changed, options.style)
