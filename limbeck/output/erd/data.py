"""A diagram for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.schema.diagram import Box, Diagram, Line, Link

if TYPE_CHECKING:
    from limbeck.output.answers.review import ColumnData, ErdAnswer, RelationData, TableData


def data(diagram: Diagram) -> ErdAnswer:
    """Return the tables with their columns, and the relations."""
    return {
        "tables": [_box(box) for box in diagram.boxes],
        "relations": [_link(link) for link in diagram.links],
    }


def _box(box: Box) -> TableData:
    return {
        "schema": box.address.schema,
        "name": box.address.name,
        "state": box.state,
        "comment": box.comment,
        "columns": [_line(line) for line in box.lines],
    }


def _line(line: Line) -> ColumnData:
    return {
        "name": line.name,
        "type": line.type,
        "primary_key": line.primary,
        "foreign_key": line.foreign,
        "nullable": line.nullable,
        "state": line.state,
        "was": line.was,
    }


def _link(link: Link) -> RelationData:
    return {
        "name": link.name,
        "table": f"{link.source.schema}.{link.source.name}",
        "columns": list(link.columns),
        "references": f"{link.target.schema}.{link.target.name}",
        "many": link.many,
        "optional": link.optional,
        "state": link.state,
    }
