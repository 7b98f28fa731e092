"""Changes on whose way applications were broken once, as the state machine found them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """Two schemas; `managed` is whether models describe their privileges."""

    name: str
    before: str
    after: str
    managed: bool = False


PHASED = (
    Case(
        "a hidden column copies the value that replaces NULL",
        "CREATE TABLE a (id integer PRIMARY KEY, n bigint)",
        "CREATE TABLE a (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 3)",
    ),
)
