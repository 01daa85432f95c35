"""A definition can declare a cohort and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagehaven.cohort.errors import DefinitionError, ForbiddenError, LimitError
from imagehaven.cohort.query.steps import steps_of
from imagehaven.cohort.query.wire import to_json
from imagehaven.cohort.sandbox.run import Definition, Limits, load_definition, restore_definition

HEAD = "from imagehaven.cohort import codelist_from_csv, cohort, series, studies, table\n"
CT = HEAD + 'cohort(series.where(series.Modality == "CT"))\n'


def load(folder: Path, text: str, **limits: float) -> Definition:
    file = folder / "ct.py"
    file.write_text(text, encoding="utf-8")
    return load_definition(file, limits=Limits(**limits) if limits else None)  # type: ignore[arg-type]


def test_the_cohort_is_named_after_its_file_and_described_by_its_docstring(tmp_path: Path) -> None:
    found = load(tmp_path, '"""All CT."""\n' + CT)
    assert (found.name, found.description, found.nodes.level) == ("ct", "All CT.", "series")


def test_a_cohort_may_name_itself(tmp_path: Path) -> None:
    text = HEAD + 'cohort(series.where(series.Modality == "CT"), name="all-CT_2")\n'
    assert load(tmp_path, text).name == "all-CT_2"


@pytest.mark.parametrize(
    "name", ["all CT", "", "-ct", "ct@2", "../ct", "ct\n", "röntgen", "a" * 65]
)
def test_a_cohort_cannot_be_called_what_no_folder_or_version_can(tmp_path: Path, name: str) -> None:
    text = HEAD + f"cohort(series, name={name!r})\n"
    with pytest.raises(DefinitionError, match=r"ct\.py:2: a cohort cannot be called"):
        load(tmp_path, text)


def test_a_file_whose_name_no_cohort_can_have_says_so_unless_the_cohort_has_a_name(
    tmp_path: Path,
) -> None:
    file = tmp_path / "chest ct.py"
    file.write_text(CT, encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"chest ct\.py: a cohort cannot.*rename the file"):
        load_definition(file)
    file.write_text(CT.replace('"CT"))', '"CT"), name="chest-ct")'), encoding="utf-8")
    assert load_definition(file).name == "chest-ct"


def test_the_hash_changes_with_the_text_and_with_a_codelist(tmp_path: Path) -> None:
    text = HEAD + (
        'icd = table("admissions")\n'
        'cohort(series & icd.where(icd.icd10.is_in(codelist_from_csv("c.csv", column="code"))))\n'
    )
    (tmp_path / "c.csv").write_text("code,term\nC34.1,lung\nC34.1,again\n ,\n", encoding="utf-8")
    first = load(tmp_path, text)
    (tmp_path / "c.csv").write_text("code\nC34.2\n", encoding="utf-8")
    second = load(tmp_path, text)
    assert "C34.1" in to_json(first.nodes)
    assert len({first.sha256, second.sha256, load(tmp_path, text + "#\n").sha256}) == 3
    assert load(tmp_path, text).sha256 == second.sha256


def test_a_stored_definition_comes_back_without_being_evaluated(tmp_path: Path) -> None:
    found = load(tmp_path, CT)
    again = restore_definition(name="ct", text=found.text, query=to_json(found.nodes))
    assert again.sha256 == found.sha256


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import os\n", "write: from os import"),
        ("from os import system\n", "os cannot be imported here"),
        ("from datetime import sys\n", "datetime has no sys here"),
        ("from imagehaven.cohort import load_definition\n", "has no load_definition here"),
        ("x = (1).__class__\n", "underscore"),
        ("x = (i for i in [1]).gi_frame\n", "gi_frame"),
        ("f = '{0.__class__}'.format(1)\n", "str.format"),
        ("match 1:\n    case int(__class__=c):\n        pass\n", "match"),
        ("class A:\n    pass\n", "classes"),
        ("try:\n    x = 1\nexcept Exception:\n    pass\n", "try"),
        ("x = __builtins__\n", "underscore"),
    ],
)
def test_syntax_that_no_definition_needs_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ForbiddenError, match=message) as caught:
        load(tmp_path, text + CT)
    assert "ct.py:" in str(caught.value)


@pytest.mark.parametrize("name", ["open", "eval", "exec", "getattr", "globals", "print", "type"])
def test_a_builtin_that_reaches_outside_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(DefinitionError, match=f"{name} is not known here"):
        load(tmp_path, f"{name}('x')\n" + CT)


FENCE = """
import builtins, os, socket, subprocess, sys, ctypes
from imagehaven.cohort.sandbox.jail import _fence, _limit
_limit(5, 512, 1)
sys.addaudithook(_fence({folder!r}))
try:
    {act}
except BaseException as error:
    os.write(2, (type(error).__name__ + str(error)).encode())
    os._exit(7)
os._exit(0)
"""


@pytest.mark.parametrize(
    "act",
    [
        "open({outside!r})",
        "open({inside!r} + '/note.csv', 'w')",
        "open({inside!r} + '/note.csv', 'r+')",
        "os.open({inside!r} + '/note.csv', os.O_RDWR | os.O_CREAT)",
        "open(0)",
        "os.system('true')",
        "subprocess.Popen(['true'])",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "socket.socket()",
        "os.listdir('/')",
        "os.remove({inside!r})",
        "os.kill(1, 0)",
        "ctypes.string_at(0)",
        "__import__('json.tool')",
        "eval(compile('1', 'x', 'eval'))",
        "sys.setprofile(print)",
    ],
)
def test_the_fence_holds_even_for_code_that_reached_every_module(tmp_path: Path, act: str) -> None:
    outside = tmp_path / "secret.csv"
    outside.write_text("x", encoding="utf-8")
    inside = tmp_path / "inside"
    inside.mkdir()
    code = FENCE.format(
        folder=str(inside), act=act.format(outside=str(outside), inside=str(inside))
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done
    assert "ForbiddenError" in done.stderr or "RuntimeError" in done.stderr
    assert not (inside / "note.csv").exists()


def test_a_codelist_outside_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("code\nx\n", encoding="utf-8")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.csv").symlink_to(tmp_path / "secret.csv")
    for name in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv"):
        with pytest.raises(DefinitionError, match="in the definition's own folder"):
            load(inner, HEAD + f'codelist_from_csv({name!r}, column="code")\n')


def test_a_codelist_without_the_column_names_those_it_has(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("icd,term\nC34,lung\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match="it has icd, term"):
        load(tmp_path, HEAD + 'codelist_from_csv("c.csv", column="code")\n')


def test_an_endless_loop_ends_with_an_explanation(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="of CPU"):
        load(tmp_path, "while True:\n    pass\n", cpu_seconds=1)
    with pytest.raises(LimitError, match="endless loop"):
        load(tmp_path, "while True:\n    pass\n", wall_seconds=1.0)


def test_too_much_memory_or_recursion_ends_with_an_explanation(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="memory"):
        load(tmp_path, "x = [0] * 10**10\n")
    with pytest.raises(LimitError, match="recurses"):
        load(tmp_path, "def f():\n    return f()\nf()\n")


def test_a_definition_sees_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    monkeypatch.setenv("IMAGEHAVEN_HOME", os.fspath(tmp_path))
    assert load(tmp_path, CT).name == "ct"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "declares exactly one cohort, and this one declares none"),
        (CT + "cohort(series)\n", "declares exactly one cohort, and this one declares 2"),
        (HEAD + "cohort(series.Modality)\n", "this is not a set"),
        (HEAD + 'cohort(series.Modality == "CT")\n', "this is a condition, not a set"),
        (HEAD + "cohort(series.where(series.Modality == None))\n", "is_null()"),
        (HEAD + "x = 1 +\n", "not Python"),
        (HEAD + "cohort(~series)\n", "has no opposite"),
        (HEAD + "cohort(series == series)\n", "sets cannot be compared"),
        (HEAD + "for row in series:\n    pass\n", "runs away from the data"),
        (HEAD + 'x = "CT" in series.Modality\n', "in does not work here"),
        (HEAD + "cohort(series.filter(1))\n", "filter was read as a column"),
        (HEAD + 'cohort(series.where(series.Modality.is_in("CT")))\n', "is_in takes a list"),
    ],
)
def test_a_mistake_is_explained_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)


def test_the_message_shows_the_line_with_a_caret_under_the_expression(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        load(tmp_path, HEAD + "cohort(series.where(1 < series.SliceThickness < 5))\n")
    head, source, caret = str(caught.value).splitlines()
    assert head.startswith(f"{tmp_path / 'ct.py'}:2: Python's and, or, not")
    assert source[caret.index("^") : caret.rindex("^") + 1] == "1 < series.SliceThickness < 5"


def test_thousands_of_joined_conditions_are_refused_kindly(tmp_path: Path) -> None:
    text = HEAD + (
        'c = series.Modality == "CT"\nfor i in range(60):\n    c = c & c\ncohort(series.where(c))\n'
    )
    with pytest.raises(DefinitionError, match=r"use is_in\(\[...\]\) or a codelist"):
        load(tmp_path, text)


def test_steps_are_called_after_the_variables_that_hold_them(tmp_path: Path) -> None:
    text = HEAD + (
        'ct = series.where(series.Modality == "CT")\n'
        'old = studies.where(studies.StudyDate < "2020-01-01").named("before 2020")\n'
        'cohort(ct, old - table("deaths"), table("smoking"))\n'
    )
    labels = [step.label for step in steps_of(load(tmp_path, text).nodes)]
    assert labels == [
        "everything in the catalogue",
        "ct",
        '(before 2020 - table("deaths"))',
        'table("smoking")',
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="there is no such file"):
        load_definition(tmp_path / "nothing.py")
