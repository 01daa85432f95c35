"""Does a definition fit a lake? Types every column and comparison before any data is touched."""

from __future__ import annotations

from collections.abc import Iterator

from imagehaven.cohort.errors import Problem
from imagehaven.cohort.query import nodes, sets
from imagehaven.cohort.query.nodes import Node
from imagehaven.cohort.query.schema import Schema, Type, as_date, as_moment
from imagehaven.cohort.sandbox.run import Definition
from imagehaven.errors import UserError


def check_definition(definition: Definition, schema: Schema) -> list[Problem]:
    """Everything that is wrong with a definition for this lake, in the order it is written."""
    return problems_of(definition.nodes, schema)


def problems_of(root: nodes.SetNode, schema: Schema) -> list[Problem]:
    """The problems of a bare query; an empty list means that it can be compiled."""
    found: dict[tuple[object, str], Problem] = {}
    for node in walk(root):
        try:
            messages = list(_messages(node, schema))
        except UserError as error:
            messages = [str(error)]
        for message in messages:
            found.setdefault((node.place, message), Problem(message, node.place))
    return sorted(found.values(), key=lambda p: (p.place.line, p.place.column) if p.place else ())


def walk(root: Node) -> Iterator[Node]:
    """Every node once, parts before wholes."""
    seen: set[int] = set()
    waiting: list[tuple[Node, bool]] = [(root, False)]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting.extend((child, False) for child in reversed(list(node.children())))


def type_of(value: nodes.ValueNode, schema: Schema) -> Type | None:
    """The type of a column; None for a literal, which takes the type of its other side."""
    if isinstance(value, nodes.Column):
        return schema.find(value.table, value.name).type
    return None


def _messages(node: Node, schema: Schema) -> Iterator[str]:
    match node:
        case nodes.Column():
            schema.find(node.table, node.name)
        case nodes.Compare():
            yield from _comparison(node, schema)
        case nodes.IsIn():
            kind = _known(node.value, schema)
            if kind is not None:
                for option in node.options:
                    yield from _literal(kind, option, node.value, "==")
        case nodes.TextTest():
            kind = _known(node.value, schema)
            if kind not in {None, Type.TEXT}:
                yield f"{node.how}(...) is for text, and {_name(node.value)} is {_a(kind)}"
        case sets.Rows():
            schema.find(node.of, nodes.KEYS[node.of])
        case sets.LinkedRows():
            yield from _link(node, schema)


def _known(value: nodes.ValueNode, schema: Schema) -> Type | None:
    """The type of a column, or None for a literal or a column that has its own problem."""
    try:
        return type_of(value, schema)
    except UserError:
        return None


def _comparison(node: nodes.Compare, schema: Schema) -> Iterator[str]:
    left, right = _known(node.left, schema), _known(node.right, schema)
    if isinstance(node.right, nodes.Literal) and left is not None:
        yield from _literal(left, node.right.value, node.left, node.op)
    elif isinstance(node.left, nodes.Literal) and right is not None:
        yield from _literal(right, node.left.value, node.right, node.op)
    elif left is not None and right is not None:
        if left is not right or left is Type.OPAQUE:
            yield (
                f"{_name(node.left)} is {_a(left)} and {_name(node.right)} is {_a(right)}; "
                "they cannot be compared"
            )
        elif left is Type.BOOLEAN and node.op not in {"==", "!="}:
            yield f"{_name(node.left)} is yes/no; compare it with == or !="


def _literal(kind: Type, value: nodes.Scalar, column: nodes.ValueNode, op: str) -> Iterator[str]:
    """What is wrong with comparing a column of this type with this literal."""
    name = _name(column)
    if kind is Type.OPAQUE:
        yield f"{name} holds no plain value; only is_null() and is_not_null() work on it"
    elif kind is Type.DATE and as_date(value) is None:
        yield f'{name} is a date; compare it with a date such as "2020-01-31"'
    elif kind is Type.TIMESTAMP and as_moment(value) is None:
        yield f'{name} is a date and time; compare it with "2020-01-31" or "2020-01-31 13:45"'
    elif kind is Type.TEXT and not isinstance(value, str):
        yield f'{name} is text; write the value in quotes, such as "CT"'
    elif kind is Type.TEXT and value == "":
        yield "empty text counts as missing and equals nothing; use is_null() or is_not_null()"
    elif kind is Type.NUMBER and (isinstance(value, bool) or not isinstance(value, int | float)):
        yield f"{name} is a number; compare it with a number, without quotes"
    elif kind is Type.BOOLEAN and not isinstance(value, bool):
        yield f"{name} is yes/no; compare it with True or False"
    elif kind is Type.BOOLEAN and op not in {"==", "!="}:
        yield f"{name} is yes/no; compare it with == or !="


def _link(node: sets.LinkedRows, schema: Schema) -> Iterator[str]:
    level = nodes.LINK_KEYS[node.key]
    for table in (node.domain, level):
        found = schema.find(table, node.key)
        if found.type is not Type.TEXT or found.many or found.source != "stored":
            yield (
                f"{nodes.domain_name(table)} keeps {node.key} as {_a(found.type)}; a key must be "
                "text to be joined (numbers lose leading zeros): load the table again with the "
                "key as text"
            )


def _name(value: nodes.ValueNode) -> str:
    if isinstance(value, nodes.Column):
        return f"{nodes.PLURALS.get(value.table, value.table.removeprefix('linked.'))}.{value.name}"
    return "this value"


def _a(kind: Type | None) -> str:
    if kind is None:
        return "unknown"
    return {Type.NUMBER: "a number", Type.DATE: "a date", Type.TIMESTAMP: "a date and time"}.get(
        kind, kind.value
    )
