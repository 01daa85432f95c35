"""Conditions and columns of a cohort as DuckDB expressions.

A condition is true or false, never NULL: each comparison is wrapped so that a missing value makes
it false, and NOT, AND and OR above it then mean what they say. Element values are read with a
strict form for their VR, so that text that breaks its VR counts as missing and stops no query.
"""

from __future__ import annotations

import datetime as dt

from imagehaven.cohort.checks import type_of, walk
from imagehaven.cohort.query import nodes
from imagehaven.cohort.query.schema import Found, Schema, Type, as_date, as_moment, quoted

#: A decimal or integer string (PS3.5 6.2 DS, IS), without the surrounding spaces it may have.
NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def condition_sql(node: nodes.ConditionNode, schema: Schema, *, exact: bool = False) -> str:
    """A condition as an SQL expression that WHERE takes for true exactly when it holds.

    Under a NOT it must be ``exact``: false, not NULL, where it does not hold. Elsewhere NULL serves
    as false, and DuckDB can use a bare comparison to skip files. The query must have been checked.
    """
    match node:
        case nodes.Logic():
            left, right = (condition_sql(s, schema, exact=exact) for s in (node.left, node.right))
            return f"({left} {node.op.upper()} {right})"
        case nodes.Not():
            return f"(NOT {condition_sql(node.condition, schema, exact=True)})"
        case nodes.IsNull():
            return f"({_null_test(node.value, schema)})"
        case nodes.Compare():
            test = _comparison(node, schema)
        case nodes.IsIn():
            test = _membership(node, schema)
        case nodes.TextTest():
            test = _text_test(node, schema)
        case _:
            raise TypeError(type(node).__name__)
    return f"coalesce({test}, false)" if exact else test


def _comparison(node: nodes.Compare, schema: Schema) -> str:
    kind = type_of(node.left, schema) or type_of(node.right, schema)
    # No missing (empty) text equals a literal, which is never empty: the bare column will do.
    bare = node.op == "==" and isinstance(node.right, nodes.Literal)
    left = _operand(node.left, kind, schema, bare=bare)
    return f"{left} {_OPERATORS[node.op]} {_operand(node.right, kind, schema)}"


def _membership(node: nodes.IsIn, schema: Schema) -> str:
    if not node.options:
        return "false"
    kind = type_of(node.value, schema)
    options = ", ".join(literal(_typed(option, kind)) for option in node.options)
    return f"{_operand(node.value, kind, schema, bare=True)} IN ({options})"


def tables_of(condition: nodes.ConditionNode, schema: Schema) -> set[str]:
    """The levels whose tables a condition reads."""
    tables: set[str] = set()
    for node in walk(condition):
        if isinstance(node, nodes.Column):
            tables.add(node.table)
            derived = schema.find(node.table, node.name).source == "derived"
            if derived and schema.has_birth_dates:
                tables.add("patient")
    return tables


def literal(value: nodes.Scalar) -> str:
    """A value as SQL text. DuckDB's plain strings know one escape: a quote is doubled."""
    match value:
        case bool():
            return "true" if value else "false"
        case dt.datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case dt.date():
            return f"DATE '{value.isoformat()}'"
        case int():
            return str(value)
        case float():
            return f"{value!r}::DOUBLE"
        case str():
            return "'" + value.replace("'", "''") + "'"
    raise TypeError(type(value).__name__)


def column_sql(node: nodes.Column, schema: Schema, *, bare: bool = False) -> str:
    """A column as an SQL expression of its type; ``bare`` may leave empty text as it is."""
    found = schema.find(node.table, node.name)
    if found.source == "derived":
        return age_sql(schema)
    if found.source == "element":
        return _element(found)
    column = f"{quoted(node.table)}.{quoted(node.name)}"
    if found.many:
        return f"nullif(array_to_string({column}, {literal(chr(92))}), '')"
    return f"nullif({column}, '')" if found.type is Type.TEXT and not bare else column


def age_sql(schema: Schema) -> str:
    """Whole years of age at the study: from the dates, or else as PatientAge says."""
    choices = []
    if schema.has_birth_dates:
        born, then = '"patient"."PatientBirthDate"', '"study"."StudyDate"'
        # Not date_sub: it lets somebody born on 29 February turn a year older on the 28th.
        choices.append(
            f"CASE WHEN {born} <= {then} THEN year({then}) - year({born}) - "
            f"CAST(strftime({then}, '%m%d') < strftime({born}, '%m%d') AS INTEGER) END"
        )
    if schema.has("study", "PatientAge"):
        age = 'trim("study"."PatientAge")'
        number = f"try_cast(left({age}, 3) AS INTEGER)"
        choices.append(
            f"CASE WHEN regexp_full_match({age}, '[0-9]{{3}}[YMWD]') THEN CASE right({age}, 1) "
            f"WHEN 'Y' THEN {number} WHEN 'M' THEN {number} // 12 "
            f"WHEN 'W' THEN {number} * 7 // 365 ELSE {number} // 365 END END"
        )
    return f"coalesce({', '.join(choices)}, NULL)"  # NULL: a lone choice needs a second argument


def _operand(
    value: nodes.ValueNode, kind: Type | None, schema: Schema, *, bare: bool = False
) -> str:
    if isinstance(value, nodes.Literal):
        return literal(_typed(value.value, kind))
    if isinstance(value, nodes.Column):
        return column_sql(value, schema, bare=bare)
    raise TypeError(type(value).__name__)


def _typed(value: nodes.Scalar, kind: Type | None) -> nodes.Scalar:
    """A literal in the type of the column that it is compared with."""
    if kind is Type.DATE:
        return as_date(value) or value
    if kind is Type.TIMESTAMP:
        return as_moment(value) or value
    return value


def _text_test(node: nodes.TextTest, schema: Schema) -> str:
    text = f"lower({_operand(node.value, Type.TEXT, schema)})"
    pattern = f"lower({literal(node.pattern)})"
    match node.how:
        case "contains":
            return f"contains({text}, {pattern})"
        case "starts_with":
            return f"starts_with({text}, {pattern})"
        case "ends_with":
            return f"ends_with({text}, {pattern})"
    escaped = "".join(f"!{c}" if c in "!%_" else c for c in node.pattern)
    like = literal(escaped.replace("*", "%").replace("?", "_"))
    return f"({text} LIKE lower({like}) ESCAPE '!')"


def _null_test(value: nodes.ValueNode, schema: Schema) -> str:
    found = schema.find(value.table, value.name) if isinstance(value, nodes.Column) else None
    if found is not None and found.source == "element" and found.type is Type.OPAQUE:
        # A sequence has items; a binary value has a length.
        path = f'$."{found.tag}"'
        elements = '"instance"."elements"'
        return (
            f"json_extract_string({elements}, {literal(path + '.Value[0]')}) IS NULL AND "
            f"coalesce(try_cast(json_extract_string({elements}, {literal(path + '.Length')}) "
            "AS BIGINT), 0) = 0"
        )
    return f"{_operand(value, None, schema)} IS NULL"


def _element(found: Found) -> str:
    """An element out of an instance's stored elements (DICOM JSON Model, PS3.18 F.2)."""
    elements, path = '"instance"."elements"', f'$."{found.tag}".Value'
    if found.type is Type.TEXT:
        part = ".Alphabetic" if found.vr == "PN" else ""
        values = f"json_extract_string({elements}, {literal(f'{path}[*]{part}')})"
        return f"nullif(array_to_string({values}, {literal(chr(92))}), '')"
    first = f"trim(json_extract_string({elements}, {literal(path + '[0]')}))"
    if found.type is Type.NUMBER:
        return (
            f"CASE WHEN regexp_full_match({first}, {literal(NUMBER)}) "
            f"THEN try_cast({first} AS DOUBLE) END"
        )
    return f"try_strptime({first}, '%Y%m%d')::DATE"
