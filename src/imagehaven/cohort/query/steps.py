"""The steps of a cohort: what its attrition table counts, one after the other, and what it says.

Step 0 is everything in the lake. A cohort that is an intersection or difference at its top is
taken apart from the left, ``a & b - c`` into a, and b, not c; a filter without a name of its own
into its conditions. A set that the researcher named (a variable is a name) stays whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from imagehaven.cohort.query import nodes, sets
from imagehaven.cohort.query.nodes import Node, SetNode


@dataclass(frozen=True)
class Step:
    """One row of the attrition table: its label, and the set that remains after it.

    ``remaining`` is None for step 0, everything in the lake.
    """

    label: str
    remaining: SetNode | None


def steps_of(root: SetNode) -> list[Step]:
    """The steps of a cohort, in the order they are applied; the last remains as the cohort."""
    steps = [Step("everything in the catalogue", None)]
    while isinstance(root, sets.Named):
        root = root.source
    _unfold(root, steps)
    return steps


def _unfold(node: SetNode, steps: list[Step]) -> None:
    if isinstance(node, sets.Combine) and node.op != "union":
        _unfold(node.left, steps)
        word = "not " if node.op == "difference" else ""
        steps.append(Step(word + label_of(node.right), node))
    elif isinstance(node, sets.Where):
        _unfold(node.source, steps)
        steps.append(Step(say(node.condition), node))
    elif isinstance(node, sets.Having):
        _unfold(node.source, steps)
        word = "without" if node.negate else "having"
        steps.append(Step(f"{word} {label_of(node.other)}", node))
    elif not isinstance(node, sets.Rows):
        steps.append(Step(label_of(node), node))


def label_of(node: SetNode) -> str:
    """What a step is called: its name, or else what it says."""
    if isinstance(node, sets.LinkedTo) and isinstance(node.rows, sets.Named):
        return node.rows.name
    return node.name if isinstance(node, sets.Named) else say(node)


def say(node: Node) -> str:  # noqa: PLR0911 - one return per kind of node
    """A node as the researcher would write it; named sets by their names."""
    match node:
        case nodes.Column():
            table = nodes.PLURALS.get(node.table) or node.table.removeprefix("linked.")
            return f"{table}.{node.name}" if node.name.isidentifier() else f'{table}["{node.name}"]'
        case nodes.Literal():
            return _value(node.value)
        case nodes.Compare():
            return f"{say(node.left)} {node.op} {say(node.right)}"
        case nodes.IsIn():
            shown = ", ".join(_value(option) for option in node.options[:3])
            more = f", … {len(node.options)} values" if len(node.options) > 3 else ""
            return f"{say(node.value)}.is_in([{shown}{more}])"
        case nodes.TextTest():
            return f"{say(node.value)}.{node.how}({_value(node.pattern)})"
        case nodes.IsNull():
            return f"{say(node.value)}.is_null()"
        case nodes.Not(condition=nodes.IsNull(value=value)):
            return f"{say(value)}.is_not_null()"
        case nodes.Not():
            return f"~({say(node.condition)})"
        case nodes.Logic():
            sign = "&" if node.op == "and" else "|"
            return f"({say(node.left)}) {sign} ({say(node.right)})"
        case _:
            return _say_set(node)


def _say_set(node: Node) -> str:  # noqa: PLR0911
    match node:
        case sets.Rows():
            return nodes.PLURALS[node.of]
        case sets.LinkedRows():
            key = "" if node.key == "PatientID" else f', key="{node.key}"'
            return f'table("{node.table}"{key})'
        case sets.Where():
            return f"{label_of(node.source)}.where({say(node.condition)})"
        case sets.LinkedTo():
            return label_of(node.rows)
        case sets.Having():
            word = "without" if node.negate else "having"
            return f"{label_of(node.source)}.{word}({label_of(node.other)})"
        case sets.Combine():
            sign = sets.Combine.SIGNS[node.op]
            return f"({label_of(node.left)} {sign} {label_of(node.right)})"
        case sets.Named():
            return say(node.source)
    raise TypeError(type(node).__name__)


def _value(value: nodes.Scalar) -> str:
    return repr(value) if isinstance(value, bool | int | float) else f'"{value}"'
