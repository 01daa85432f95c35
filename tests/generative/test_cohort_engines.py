"""Random definitions on random populations: the SQL and the naive engine must agree."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagehaven.cohort.engines.memory import MemoryEngine
from imagehaven.cohort.engines.sql import compile_nodes
from imagehaven.cohort.query import nodes, sets
from imagehaven.cohort.query.nodes import KEYS, LEVELS
from imagehaven.cohort.query.schema import Schema, read_schema
from imagehaven.cohort.query.wire import from_json, to_json

TEXTS = ["", "a", "B", "b", "ab", "a%b", "a_b", "a'b", "!", "É", "é", "ß", "Ab\\c", "日本"]
NUMBERS = [-1, 0, 1, 2.5, 10]
DATES = [dt.date(2000, 2, 29), dt.date(2020, 1, 31), dt.date(2020, 2, 28), dt.date(2021, 3, 1)]
MOMENTS = [dt.datetime(2020, 1, 31), dt.datetime(2020, 1, 31, 13, 45), dt.datetime(2021, 3, 1, 1)]
AGES = ["", "020Y", "018M", "060W", "104W", "400D", "20Y", "abc", " 001Y "]

COLUMNS = {
    "patient": {"text": "VARCHAR", "PatientBirthDate": "DATE"},
    "study": {"day": "DATE", "StudyDate": "DATE", "PatientAge": "VARCHAR", "moment": "TIMESTAMP"},
    "series": {"text": "VARCHAR", "number": "DOUBLE", "other": "DOUBLE", "many": "VARCHAR[]"},
    "instance": {"text": "VARCHAR", "elements": "JSON"},
    "linked.link": {"PatientID": "VARCHAR", "text": "VARCHAR", "flag": "BOOLEAN", "day": "DATE"},
    "linked.reports": {"AccessionNumber": "VARCHAR", "number": "BIGINT"},
}
PLAIN: dict[str, list[Any]] = {
    "VARCHAR": TEXTS,
    "DOUBLE": [float(number) for number in NUMBERS],
    "BIGINT": [-1, 0, 1, 10],
    "DATE": DATES,
    "TIMESTAMP": MOMENTS,
    "BOOLEAN": [True, False],
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "VARCHAR[]": st.lists(st.sampled_from(["a", "B", "", None]), max_size=3),
    **{kind: st.sampled_from(values) for kind, values in PLAIN.items()},
}
# Columns that conditions may use, with the kind of value each is compared with.
USABLE = {
    "patient": {"text": "VARCHAR", "PatientBirthDate": "DATE"},
    "study": {"day": "DATE", "PatientAgeYears": "DOUBLE", "moment": "TIMESTAMP"},
    "series": {"text": "VARCHAR", "number": "DOUBLE", "other": "DOUBLE", "many": "VARCHAR"},
    "instance": {
        "text": "VARCHAR",
        "KVP": "DOUBLE",
        "ImageType": "VARCHAR",
        "PatientName": "VARCHAR",
        "AcquisitionDate": "DATE",
        "ReferencedImageSequence": "OPAQUE",
        "RedPaletteColorLookupTableData": "OPAQUE",
    },
    "linked.link": {"text": "VARCHAR", "flag": "BOOLEAN", "day": "DATE"},
    "linked.reports": {"number": "BIGINT"},
}
# How many instances a row of each level has in the dense lake.
SIZES = {"patient": 4, "study": 2, "series": 2, "instance": 1}
_DECIMALS = ["120", " 10 ", "1e1", "nan", "1_0", "", "x", "2.5", "-1"]
_DAYS = ["20200131", "20200230", "2020", "", "20200131 ", "20210301"]
ELEMENT_CHOICES: dict[str, list[dict[str, Any] | None]] = {
    "00180060": [None, *({"vr": "DS", "Value": [text, "7"]} for text in _DECIMALS)],
    "00080008": [
        None,
        *({"vr": "CS", "Value": values} for values in ([], ["a"], ["a", "B"], [None, "a"], [None])),
    ],
    "00100010": [
        None,
        {"vr": "PN", "Value": [None]},
        *({"vr": "PN", "Value": [{"Alphabetic": name}]} for name in TEXTS[1:5]),
    ],
    "00080022": [None, *({"vr": "DA", "Value": [text]} for text in _DAYS)],
    "00081140": [
        None,
        {"vr": "SQ", "Value": []},
        {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1"]}}]},
    ],
    "00281201": [None, {"vr": "OW", "Length": 0}, {"vr": "OW", "Length": 8}],
}
ELEMENTS = st.fixed_dictionaries(
    {}, optional={tag: st.sampled_from(made[1:]) for tag, made in ELEMENT_CHOICES.items()}
)


@st.composite
def populations(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    above: list[dict[str, Any]] = [{}]
    for level in LEVELS:
        made = []
        for parent in above:
            for _ in range(draw(st.integers(0 if level != "patient" else 1, 2))):
                ids = {KEYS[level]: f"{level}{len(tables[level])}"}
                ids |= {key: value for key, value in parent.items() if key in KEYS.values()}
                row = ids | draw(_row(level))
                if level == "study":
                    row["AccessionNumber"] = draw(st.sampled_from(["A", "B", "", None]))
                    row["PatientAge"] = draw(st.sampled_from([*AGES, None]))
                tables[level].append(row)
                made.append(row)
        above = made
    patients = [row["PatientID"] for row in tables["patient"]]
    for _ in range(draw(st.integers(0, 4))):
        key = draw(st.sampled_from([*patients, "stranger", "", None]))
        tables["linked.link"].append(draw(_row("linked.link")) | {"PatientID": key})
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(["A", "B", "C", "", None]))
        tables["linked.reports"].append(draw(_row("linked.reports")) | {"AccessionNumber": key})
    return tables


def _row(table: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            name: ELEMENTS if kind == "JSON" else st.none() | VALUES[kind]
            for name, kind in COLUMNS[table].items()
        }
    )


def _literals(kind: str) -> st.SearchStrategy[Any]:
    if kind == "DATE":
        return VALUES["DATE"] | VALUES["DATE"].map(lambda day: day.isoformat())
    if kind == "TIMESTAMP":
        return VALUES["TIMESTAMP"] | VALUES["DATE"] | st.just("2020-01-31 13:45")
    return VALUES[kind].filter(lambda value: value != "")


@st.composite
def atoms(draw: st.DrawFn, tables: tuple[str, ...]) -> nodes.ConditionNode:
    table = draw(st.sampled_from(tables))
    name = draw(st.sampled_from(sorted(USABLE[table])))
    kind, column = USABLE[table][name], nodes.Column(table, name)
    shapes = ["null"] if kind == "OPAQUE" else ["null", "compare", "compare", "in"]
    shape = draw(st.sampled_from([*shapes, "text"] if kind == "VARCHAR" else shapes))
    if shape == "null":
        return nodes.IsNull(column)
    if shape == "text":
        pattern = draw(st.sampled_from([*TEXTS[1:], "*", "?", "a*", "*B", "?%*", "*_?"]))
        return nodes.TextTest(draw(st.sampled_from(nodes.TextTest.KINDS)), column, pattern)
    if shape == "in":
        return nodes.IsIn(column, tuple(draw(st.lists(_literals(kind), max_size=3))))
    operators = ("==", "!=") if kind == "BOOLEAN" else nodes.Compare.OPERATORS
    same = [c for c, k in USABLE[table].items() if k == kind]
    other = st.sampled_from(same).map(lambda c: nodes.Column(table, c))
    right = draw(_literals(kind).map(nodes.Literal) | other)
    sides = [column, right] if draw(st.booleans()) else [right, column]
    return nodes.Compare(draw(st.sampled_from(operators)), *sides)


def conditions(*tables: str) -> st.SearchStrategy[nodes.ConditionNode]:
    return st.recursive(
        atoms(tables),
        lambda inner: (
            st.builds(nodes.Logic, st.sampled_from(["and", "or"]), inner, inner)
            | st.builds(nodes.Not, inner)
        ),
        max_leaves=4,
    )


@st.composite
def selections(draw: st.DrawFn, depth: int = 3) -> nodes.SetNode:
    kinds = ["rows", "linked"] if depth == 0 else ["where", "linked", "having", "combine", "named"]
    kind = draw(st.sampled_from(kinds))
    if kind == "rows":
        return sets.Rows(draw(st.sampled_from(LEVELS)))
    if kind == "linked":
        table, key = draw(st.sampled_from([("link", "PatientID"), ("reports", "AccessionNumber")]))
        rows: nodes.SetNode = sets.LinkedRows(table, key)
        for _ in range(draw(st.integers(0, 2))):
            rows = sets.Where(rows, draw(conditions(f"linked.{table}")))
        return sets.LinkedTo(rows)
    source = draw(selections(depth - 1))
    if kind == "named":
        return sets.Named(source, "a step")
    if kind == "where":
        return sets.Where(source, draw(conditions(*nodes.lineage(source.level))))
    other = draw(selections(depth - 1) | st.just(source))
    if kind == "having":
        return sets.Having(source, other, negate=draw(st.booleans()))
    op = draw(st.sampled_from(["union", "intersection", "difference"]))
    if op == "union" and source.level != other.level:
        op = "intersection"
    if op == "difference" and not nodes.is_coarser_or_same(other.level, source.level):
        source, other = other, source
    return sets.Combine(op, source, other)


@st.composite
def searches(draw: st.DrawFn) -> nodes.SetNode:
    """Instances chosen by their stored elements, beside a set of any level that is narrowed."""
    level = draw(st.sampled_from(LEVELS))
    narrowed = sets.Where(sets.Rows(level), draw(conditions(*nodes.lineage(level))))
    found = sets.Where(sets.Rows("instance"), draw(atoms(("instance",))))
    sides = (narrowed, found) if draw(st.booleans()) else (found, narrowed)
    if draw(st.booleans()):
        return sets.Combine("intersection", *sides)
    return sets.Having(*sides, negate=draw(st.booleans()))


def _lake(connection: duckdb.DuckDBPyConnection, tables: dict[str, Any]) -> Schema:
    connection.execute("CREATE SCHEMA linked")
    for name, columns in COLUMNS.items():
        types = dict(columns)
        if name in LEVELS:
            types = {KEYS[level]: "VARCHAR" for level in nodes.lineage(name)} | types
        if name == "study":
            types["AccessionNumber"] = "VARCHAR"
        declared = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
        connection.execute(f"CREATE TABLE {name} ({declared})")
        rows = [
            {c: json.dumps(v) if isinstance(v, dict) else v for c, v in row.items()}
            for row in tables[name]
        ]
        if rows:
            connection.register("incoming", pa.Table.from_pylist(rows))
            connection.execute(f"INSERT INTO {name} BY NAME FROM incoming")
    return read_schema(connection)


@pytest.fixture(scope="module")
def dense() -> Iterator[tuple[duckdb.DuckDBPyConnection, Schema, MemoryEngine]]:
    """One lake in which each column holds each of its values many times."""
    chance = random.Random(7)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for number in range(200):
        ids = {KEYS[level]: f"{level}{number // size}" for level, size in SIZES.items()}
        for table, columns in COLUMNS.items():
            if number % SIZES.get(table, 1):
                continue
            row: dict[str, Any] = {c: _pick(chance, kind) for c, kind in columns.items()}
            if table in LEVELS:
                row |= {KEYS[level]: ids[KEYS[level]] for level in nodes.lineage(table)}
            if table == "study":
                row |= {"PatientAge": chance.choice([*AGES, None]), "AccessionNumber": str(number)}
            if table == "linked.link":
                row["PatientID"] = ids["PatientID"]
            if table == "linked.reports":
                row["AccessionNumber"] = str(number)
            tables[table].append(row)
    with duckdb.connect() as connection:
        schema = _lake(connection, tables)
        yield connection, schema, MemoryEngine(tables, schema)


def _pick(chance: random.Random, kind: str) -> Any:
    if chance.random() < 0.15:
        return None
    if kind == "VARCHAR[]":
        return chance.choices(["a", "B", "", None], k=chance.randint(0, 3))
    if kind == "JSON":
        made = {tag: chance.choice(choices) for tag, choices in ELEMENT_CHOICES.items()}
        return {tag: element for tag, element in made.items() if element is not None}
    return chance.choice(PLAIN[kind])


@settings(
    max_examples=45,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(table=st.sampled_from(sorted(USABLE)), data=st.data())
def test_sql_and_memory_agree_on_each_condition(
    dense: tuple[duckdb.DuckDBPyConnection, Schema, MemoryEngine],
    table: str,
    data: st.DataObject,
) -> None:
    connection, schema, engine = dense
    source: nodes.SetNode = sets.Rows("instance")
    if table.startswith("linked."):
        key = "PatientID" if table == "linked.link" else "AccessionNumber"
        source = sets.LinkedRows(table.removeprefix("linked."), key)
    for _ in range(3):
        query: nodes.SetNode = sets.Where(source, data.draw(conditions(table)))
        query = sets.LinkedTo(query) if table.startswith("linked.") else query
        sql = compile_nodes(query, schema).members_sql
        assert set(connection.execute(sql).fetchall()) == engine.members(query), sql


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(query=searches())
def test_sql_and_memory_agree_on_elements_near_a_narrowed_set(
    dense: tuple[duckdb.DuckDBPyConnection, Schema, MemoryEngine], query: nodes.SetNode
) -> None:
    connection, schema, engine = dense
    compiled = compile_nodes(query, schema)
    members = connection.execute(compiled.members_sql).fetchall()
    assert set(members) == engine.members(query), compiled.members_sql


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(populations(), st.lists(selections(), min_size=2, max_size=2))
def test_sql_and_memory_agree_on_members_and_attrition(
    tables: dict[str, Any], queries: list[nodes.SetNode]
) -> None:
    with duckdb.connect() as connection:
        schema = _lake(connection, tables)
        engine = MemoryEngine(tables, schema)
        for query in queries:
            compiled = compile_nodes(query, schema)
            members = connection.execute(compiled.members_sql).fetchall()
            assert len(members) == len(set(members))
            assert set(members) == engine.members(query), compiled.members_sql
            attrition = connection.execute(compiled.attrition_sql).fetchall()
            assert [row[1:] for row in attrition] == engine.attrition(query)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(selections())
def test_a_query_survives_serialisation(query: nodes.SetNode) -> None:
    text = to_json(query)
    assert to_json(from_json(text)) == text


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["kind", "node", "nodes", "root", "op"]), inner, max_size=4
            )
        ),
    )
)
def test_hostile_json_is_refused_with_a_definition_error(document: Any) -> None:
    from imagehaven.cohort.errors import DefinitionError

    try:
        from_json(json.dumps(document))
    except DefinitionError:
        return
    raise AssertionError("this should not have been read")
