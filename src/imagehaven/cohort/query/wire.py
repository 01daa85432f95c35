"""Query nodes to JSON and back: the only thing that leaves the sandbox.

The form is a flat list in which a node refers to earlier ones by number, so that a set used twice
is written once, and reading needs no recursion. Everything is validated again on reading: the
text may come from a hostile process.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from imagehaven.cohort.errors import DefinitionError, Place
from imagehaven.cohort.query import nodes, sets

_KINDS: dict[str, type[nodes.Node]] = {
    kind.__name__: kind
    for kind in (
        nodes.Column,
        nodes.Literal,
        nodes.Compare,
        nodes.IsIn,
        nodes.TextTest,
        nodes.IsNull,
        nodes.Logic,
        nodes.Not,
        sets.Rows,
        sets.LinkedRows,
        sets.Where,
        sets.LinkedTo,
        sets.Having,
        sets.Combine,
        sets.Named,
    )
}


def to_json(
    root: nodes.Node, *, names: Mapping[int, str] | None = None, places: bool = True
) -> str:
    """Write a query as JSON text.

    ``names`` maps ``id(node)`` of sets to the names they get as steps; ``places=False`` leaves out
    the line numbers, which makes the text the same for definitions that mean the same.
    """
    written: list[dict[str, Any]] = []
    index: dict[str, int] = {}
    done: dict[int, int] = {}

    def put(record: dict[str, Any]) -> int:
        text = json.dumps(record, sort_keys=True)
        if text not in index:
            index[text] = len(written)
            written.append(record)
        return index[text]

    def visit(node: nodes.Node) -> int:
        if id(node) in done:
            return done[id(node)]
        record: dict[str, Any] = {"kind": type(node).__name__}
        for item in fields(node):
            if item.init and item.name != "place":
                value = getattr(node, item.name)
                record[item.name] = (
                    {"node": visit(value)} if isinstance(value, nodes.Node) else _pack(value)
                )
        if places and node.place is not None:
            record["place"] = [node.place.line, node.place.column, node.place.end_column]
        number = put(record)
        name = (names or {}).get(id(node))
        if name is not None and isinstance(node, nodes.SetNode) and type(node) is not sets.Named:
            number = put({"kind": "Named", "source": {"node": number}, "name": name})
        done[id(node)] = number
        return number

    root_number = visit(root)
    return json.dumps({"nodes": written, "root": root_number}, sort_keys=True)


def from_json(text: str) -> nodes.SetNode:
    """Read a set back; raises DefinitionError for anything that :func:`to_json` would not write."""
    try:
        document = json.loads(text)
        made: list[nodes.Node] = []
        for record in document["nodes"]:
            made.append(_make(record, made))
        root = made[document["root"]]
    except DefinitionError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise DefinitionError("this is not a serialised cohort definition") from error
    if not isinstance(root, nodes.SetNode):
        raise DefinitionError("a cohort definition must be a set of rows")
    return root


def _make(record: dict[str, Any], made: list[nodes.Node]) -> nodes.Node:
    kind = _KINDS[record["kind"]]
    values: dict[str, Any] = {}
    for item in fields(kind):
        if item.init and item.name != "place":
            packed = record[item.name]
            is_node = isinstance(packed, dict) and "node" in packed
            values[item.name] = made[_number(packed["node"])] if is_node else _unpack(packed)
    if "place" in record:
        values["place"] = Place(*(_number(part) for part in record["place"]))
    return kind(**values)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DefinitionError("this is not a serialised cohort definition")
    return value


def _pack(value: object) -> object:
    if isinstance(value, dt.datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, dt.date):
        return {"date": value.isoformat()}
    if isinstance(value, tuple):
        return [_pack(item) for item in value]
    return value


def _unpack(value: object) -> object:
    match value:
        case {"datetime": str(text)}:
            return dt.datetime.fromisoformat(text)
        case {"date": str(text)}:
            return dt.date.fromisoformat(text)
        case list():
            return tuple(_unpack(item) for item in value)
        case dict():
            raise DefinitionError("this is not a serialised cohort definition")
        case _:
            return value
