"""Views that can be queried: their declarations with typed columns, under a name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from limbeck.models.pull.render import names
from limbeck.models.pull.render.beside import Declaration
from limbeck.models.pull.render.columns import type_of
from limbeck.models.pull.render.models import Models
from limbeck.models.pull.render.reserved import bound
from limbeck.models.source.text import Source, literal
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.views import View

_CALLS = ("View(", "MaterializedView(")


def typed(declaration: Declaration, models: Models) -> Declaration:
    """Return the declaration of a view with the types of its columns, any other one as it is."""
    view = models.catalog.objects.get(declaration.address)
    source = declaration.source
    if not (isinstance(view, View) and view.columns and source.text.startswith(_CALLS)):
        return declaration
    imports, pairs = source.imports, list[str]()
    for column in view.columns:
        type_ = type_of(
            Column(schema=view.schema, table=view.name, name=column.name, type=column.type), models
        )
        pairs.append(f"{literal(column.name)}: {type_.text}")
        imports |= type_.imports
    text = f"{source.text[:-1]}, columns={{{', '.join(pairs)}}})"
    return Declaration(declaration.address, Source(text, imports), declaration.whole)


def assigned(declarations: Iterable[Declaration], taken: Collection[str]) -> Iterator[Source]:
    """Yield the statements of declarations; those of views have a name to query them by.

    Args:
        declarations: the declarations.
        taken: the names of the module in which they stand.

    """
    declared = list(declarations)
    lines = {line for declaration in declared for line in declaration.source.imports}
    # "l" is read as a 1 (E741 of pycodestyle).
    used = {"l", *taken, *(name for line in lines for name in bound(line))}
    for declaration in declared:
        source = declaration.source
        if not source.text.startswith(_CALLS):
            yield source
            continue
        schema, name = declaration.address[1:3]
        plain = names.variable(name)
        numbered = (f"{plain}_view_{number}" for number in range(2, 10_000))
        in_schema = names.variable(f"{schema}_{name}")
        variable = names.first(chain([plain, f"{plain}_view", in_schema], numbered), used)
        yield Source(f"{variable} = {source.text}", source.imports)
