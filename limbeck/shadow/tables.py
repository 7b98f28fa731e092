"""Count the tables of the models, without a database where none is needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from limbeck.events import Listener
from limbeck.postgres.connect import connect
from limbeck.project.code.in_process import InProcess
from limbeck.project.project import Project
from limbeck.shadow import unimported
from limbeck.shadow.shadow import Shadow

if TYPE_CHECKING:
    from limbeck.project.code.out_of_process import OutOfProcess

ANY_MAJOR = 140000
"""The server for which models are written that are only counted."""


def count(project: Project, listen: Listener) -> int:
    """Return the number of tables that the models declare.

    Only an env.py that has a say in the models needs the shadow.

    Args:
        project: The project.
        listen: Receives a notice about modules that are not imported.

    Raises:
        ConfigurationError: The setting `models` does not name a MetaData.
        ModelsError: They do not import, or have no tables while modules declare some.

    """
    code = project.code.of_models()
    if isinstance(code, InProcess):
        number = len(project.metadata().tables)
        files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
        unimported.refuse(project, {"files": files}, number, listen)
        return number
    described = cast("OutOfProcess", code)
    url, server = "", ANY_MAJOR
    if not project.code.is_plain:
        database = Shadow.of(project).database
        with connect(database) as connection:
            url, server = database.url, connection.info.server_version
    models = described.models(project.models, server, url)
    number = sum("CREATE TABLE" in text for text in models.statements)
    unimported.refuse(project, models.read, number, listen)
    return number
