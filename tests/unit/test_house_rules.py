"""The shape of the house: small folders, small files, names that say something."""

import ast
import importlib
import pkgutil
import re
import socket
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

import imagehaven

SOURCE = Path(imagehaven.__path__[0])
DOCS = Path(__file__).resolve().parents[2] / "docs"
MODULES = sorted(path for path in SOURCE.rglob("*.py"))
ROOMS = sorted(found.name for found in pkgutil.iter_modules(imagehaven.__path__) if found.ispkg)

#: Alembic's own layout: one file for each step of the schema.
GROWING = SOURCE / "ledger" / "migrations"


def test_no_module_has_more_than_400_lines() -> None:
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in MODULES
        if GROWING not in path.parents
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long, "split these by the ideas in them"


def test_no_folder_has_more_than_a_dozen_modules() -> None:
    folders = {path.parent for path in MODULES if GROWING not in path.parents}
    full = {
        str(folder.relative_to(SOURCE)): count
        for folder in folders
        if (count := sum(1 for path in folder.glob("*.py") if path.name != "__init__.py")) > 12
    }
    assert not full, "group these modules by what they are about"


def test_no_name_says_nothing() -> None:
    empty = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc|stuff)(_|$)")
    found = [path for path in SOURCE.rglob("*") if _is_code(path) and empty.search(path.stem)]
    assert not found, "name a module after its idea"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_its_purpose_and_what_goes_in_and_out(room: str) -> None:
    told = " ".join((importlib.import_module(f"imagehaven.{room}").__doc__ or "").split())
    for word in ("Purpose:", "Comes in:", "Goes out:", "Guarantees:"):
        assert word in told, f"imagehaven.{room} does not say: {word}"


def test_nothing_is_left_to_do() -> None:
    mark = re.compile(r"\b(TODO|FIXME|XXX)\b")
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert not found


def test_only_settings_read_the_environment() -> None:
    found = []
    for path in MODULES:
        # Ray takes its token from the environment and in no other way.
        if path in (SOURCE / "haven" / "settings.py", SOURCE / "engine" / "cluster.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert not found, "a setting belongs in haven/settings.py"


def test_no_test_is_skipped() -> None:
    tests = Path(__file__).resolve().parents[1]
    mark = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")
    found = [
        str(path.relative_to(tests))
        for path in tests.rglob("*.py")
        if path != Path(__file__).resolve() and mark.search(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_every_reason_is_explained() -> None:
    explained = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    raised = re.compile(
        r"(?:\b(?:Quarantine|Withheld)\(\s*|^REASON: Final = )\"([a-z][a-z-]+)\"", re.M
    )
    reasons = {
        reason for path in MODULES for reason in raised.findall(path.read_text(encoding="utf-8"))
    }
    assert len(reasons) > 20
    assert not {reason for reason in reasons if f"`{reason}`" not in explained}


def test_tests_can_reach_this_machine_and_no_other() -> None:
    with (
        socket.socket() as connection,
        pytest.warns(UserWarning, match="A test tried"),
        pytest.raises(SocketConnectBlockedError),
    ):
        connection.connect(("192.0.2.1", 80))


def _is_code(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
