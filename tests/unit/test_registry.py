"""The register of verbs: each has its command, its public function and its documentation."""

import importlib
import pkgutil
from pathlib import Path

import pytest
import typer.main

import imagehaven
from imagehaven.actions import Action, registered
from imagehaven.cli.main import app

DOCS = Path(__file__).resolve().parents[2] / "docs"

for found in pkgutil.walk_packages(imagehaven.__path__, "imagehaven."):
    if found.name.endswith(".actions") or found.name == "imagehaven.demo":
        importlib.import_module(found.name)
ACTIONS = {action.name: action for action in registered()}


def commands(group: object, words: tuple[str, ...] = ()) -> set[str]:
    """The words of every command of the application."""
    found: set[str] = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = (*words, name)
        found |= commands(command, inner) if hasattr(command, "commands") else {" ".join(inner)}
    return found


COMMANDS = commands(typer.main.get_command(app))

#: The verbs that other tools call by these names.
CONTRACT = {
    "init", "doctor", "ingest", "query", "cohort check", "cohort run", "deidentify",
    "identifiable", "release", "rerun", "audit verify", "synth", "demo",
}  # fmt: skip


def test_every_command_is_a_registered_action_and_the_other_way_round() -> None:
    assert set(ACTIONS) == COMMANDS


def test_the_contract_is_kept() -> None:
    assert CONTRACT <= COMMANDS


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_the_room_shows_the_function(action: Action) -> None:
    room = importlib.import_module(f"imagehaven.{action.room}")
    assert getattr(room, action.function.__name__) is action.function
    assert action.function.__doc__


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_the_command_reference_has_its_heading(action: Action) -> None:
    lines = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8").splitlines()
    assert f"## imagehaven {action.name}" in lines


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_a_guide_shows_how_to_use_it(action: Action) -> None:
    guides = [*DOCS.glob("tutorials/*.md"), *DOCS.glob("how-to/*.md"), DOCS / "index.md"]
    used = [page for page in guides if uses(page, action.name)]
    assert used, f"no guide shows `imagehaven {action.name}`"


def uses(page: Path, words: str) -> bool:
    """Whether a console block of the page runs the command."""
    return any(
        line.startswith("$ imagehaven ") and f" {words} " in f"{line} "
        for line in page.read_text(encoding="utf-8").splitlines()
    )
