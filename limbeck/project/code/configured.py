"""What the env.py of a project configures, and what limbeck follows of it."""

from __future__ import annotations

from limbeck.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Configured:
    """What an env.py configures, as it runs.

    The booleans say whether there is such a function or setting; `compare_type` and
    `compare_server_default` may be "function". `unknown` are arguments that limbeck does not know.
    """

    version_table: str = "alembic_version"
    version_table_schema: str | None = None
    include_object: bool = False
    include_name: bool = False
    process_revision_directives: bool = False
    compare_type: bool | str = True
    compare_server_default: bool | str = True
    render_item: bool = False
    on_version_apply: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def honoured(self) -> tuple[str, ...]:
        """The arguments that limbeck follows, as env.py spells them."""
        names = {
            f'version_table="{self.version_table}"': self.version_table != "alembic_version",
            f'version_table_schema="{self.version_table_schema}"': self.version_table_schema,
            "include_name": self.include_name,
            "include_object (tables)": self.include_object,
        }
        return tuple(name for name, given in names.items() if given)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The arguments that have no effect in limbeck."""
        names = {
            "include_object (columns, indexes, constraints)": self.include_object,
            "process_revision_directives": self.process_revision_directives,
            "compare_type": self.compare_type is not True,
            "compare_server_default": self.compare_server_default == "function",
            "render_item": self.render_item,
            "on_version_apply": self.on_version_apply,
        }
        return (*(name for name, given in names.items() if given), *self.unknown)
