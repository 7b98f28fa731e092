"""Find the MetaData of a project's models; SQLAlchemy is imported here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from limbeck.errors import ConfigurationError, ModelsError
from limbeck.project.code import modules
from limbeck.project.code.protocol import Purpose

_SETTING = 'Look at [tool.limbeck] models in pyproject.toml, such as "app.models:Base.metadata".'
_MODELS = Purpose("the models", _SETTING, ModelsError)


def load(root: Path, reference: str, paths: Iterable[str] = ()) -> MetaData:
    """Return the MetaData at `module:attribute`, with the project's folder on sys.path.

    Raises:
        ConfigurationError: the reference is not written that way, or there is no such module or
            attribute, or it is not a MetaData.
        ModelsError: the module raises while it is imported.

    """
    name, colon, attributes = reference.partition(":")
    if not colon or not name or not attributes:
        raise ConfigurationError(
            f'[tool.limbeck] models = "{reference}" is not module:attribute',
            hint='Write it as in models = "app.models:Base.metadata".',
        )
    value: Any = modules.load(root, name, _MODELS, paths)
    for attribute in attributes.split("."):
        if not hasattr(value, attribute):
            raise ConfigurationError(f"{name} has no {attributes}", hint=_SETTING)
        value = getattr(value, attribute)
    if not isinstance(value, MetaData):  # "app.models:Base" is good enough
        value = getattr(value, "metadata", None)
    if not isinstance(value, MetaData):
        raise ConfigurationError(f"{reference} is no MetaData", hint=_SETTING)
    return value
