"""The models of a project, imported."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import MetaData

from limbeck.errors import ConfigurationError, ModelsError
from limbeck.project.code import modules

_WHERE = 'look at [tool.limbeck] models in pyproject.toml, such as "app.models:Base.metadata"'
_WANTED = modules.Wanted("the models", _WHERE, ModelsError)


def load(root: Path, reference: str) -> MetaData:
    """The MetaData at `module:attribute`, with the project's folder on sys.path.

    Raises:
        ModelsError: the module does not import, or has no such MetaData.
        ConfigurationError: the reference is not written that way.
    """
    name, colon, attributes = reference.partition(":")
    if not colon or not name or not attributes:
        raise ConfigurationError(
            f'[tool.limbeck] models = "{reference}" is not module:attribute',
            hint='models = "app.models:Base.metadata"',
        )
    found: object = modules.load(root, name, _WANTED)
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise ModelsError(f"{name} has no {attributes}", hint=_WHERE)
        found = getattr(found, attribute)
    if not isinstance(found, MetaData):
        found = getattr(found, "metadata", None)
    if not isinstance(found, MetaData):
        raise ModelsError(f"{reference} is no MetaData", hint=_WHERE)
    return found
