"""The command line's own manners: options, exit codes, one JSON document, quick help."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagehaven.cli.main import run
from imagehaven.haven import Haven


def test_the_haven_may_stand_before_or_after_the_verb(
    haven: Haven, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(haven.folder), "--json", "audit", "verify"]) == 0
    before = json.loads(capsys.readouterr().out)
    assert run(["audit", "verify", "-C", str(haven.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == before


def test_the_haven_may_stand_between_the_two_words_of_a_verb(
    haven: Haven, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "-C", str(haven.folder), "--json", "verify"]) == 0
    assert json.loads(capsys.readouterr().out)["intact"] is True


@pytest.mark.parametrize(
    ("words", "shows_how"),
    [
        (["ingst"], "`imagehaven --help`"),
        (["ingest"], "`imagehaven ingest --help`"),
        (["cohort", "run", "ct.py"], "`imagehaven cohort run --help`"),
    ],
)
def test_a_usage_error_names_the_help_that_shows_how(
    words: list[str], shows_how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert shows_how in capsys.readouterr().err


def test_the_environment_may_name_the_haven(
    haven: Haven, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGEHAVEN_HOME", str(haven.folder))
    assert run(["audit", "verify"]) == 0
    assert "Audit chain" in capsys.readouterr().out


def test_init_with_check_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "new"), "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"] is True
    assert not (tmp_path / "new").exists()


def test_init_twice_keeps_the_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "new" / "keys" / "master.key"
    assert run(["init", str(tmp_path / "new")]) == 0
    first = key.read_bytes()
    assert run(["init", str(tmp_path / "new"), "--json"]) == 0
    assert key.read_bytes() == first
    capsys.readouterr()


def test_init_refuses_other_stores_for_a_haven_that_is_there(
    haven: Haven, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", str(haven.folder), "--database", "postgresql://db/haven"]) == 2
    assert "is a haven already" in capsys.readouterr().err


def test_an_error_says_what_to_do_and_has_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(tmp_path), "doctor"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert "imagehaven init" in told.err


def test_an_error_with_json_is_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(tmp_path), "--json", "doctor"]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["kind"] == "UserError"
    assert told.err == ""


def test_a_word_that_is_no_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingst"]) == 2
    assert "ingest" in capsys.readouterr().err


def test_a_defect_is_told_without_any_value(
    haven: Haven, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_self: object) -> None:
        raise RuntimeError("yranaC"[::-1])  # a traceback shows this line as it is written

    monkeypatch.setattr("imagehaven.ledger.AuditTrail.verify", fail)
    assert run(["-C", str(haven.folder), "audit", "verify"]) == 70
    told = capsys.readouterr().err
    assert "Canary" not in told
    place = Path(told.split("written in ")[1].split(";")[0])
    assert "Canary" not in place.read_text()
    assert "RuntimeError" in place.read_text()
    place.unlink()


@pytest.mark.parametrize(
    ("number", "code", "remedy"),
    [(errno.EACCES, 2, "grant this user the right"), (errno.ENOSPC, 3, "free some space")],
)
def test_what_the_system_refuses_names_the_place_and_the_remedy(
    number: int,
    code: int,
    remedy: str,
    haven: Haven,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_self: object) -> None:
        raise OSError(number, os.strerror(number), "/archive/2019")

    monkeypatch.setattr("imagehaven.ledger.AuditTrail.verify", fail)
    assert run(["-C", str(haven.folder), "audit", "verify"]) == code
    told = capsys.readouterr().err
    assert "/archive/2019" in told
    assert remedy in told


def test_an_interrupt_ends_with_130(
    haven: Haven, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imagehaven.ledger.AuditTrail.verify", interrupt)
    assert run(["-C", str(haven.folder), "audit", "verify"]) == 130
    capsys.readouterr()


def test_a_broken_chain_ends_with_1(haven: Haven, capsys: pytest.CaptureFixture[str]) -> None:
    haven.ledger.audit.append("ingest", {}, outcome="done")
    with haven.ledger.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        connection.exec_driver_sql("UPDATE audit SET actor = 'somebody'")
    assert run(["-C", str(haven.folder), "audit", "verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problem"] == "row 1 was altered"


def test_the_doctor_finds_a_key_that_others_may_read(
    haven: Haven, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(haven.folder), "doctor"]) == 0
    (haven.folder / "keys" / "master.key").chmod(0o644)
    capsys.readouterr()
    assert run(["-C", str(haven.folder), "doctor", "--json"]) == 1
    checks = {found["name"]: found for found in json.loads(capsys.readouterr().out)["checks"]}
    assert not checks["master key"]["ok"]
    assert checks["master key"]["remedy"].startswith("chmod 600")
    assert checks["lake"]["ok"]


def test_help_comes_in_half_a_second_of_work() -> None:
    # Processor time of the command alone: other work on the machine must not fail this.
    script = (
        "import sys, time; sys.argv = ['imagehaven', '--help']\n"
        "from imagehaven.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'duckdb', 'pyarrow', 'sqlalchemy', 'pydicom', 'ray'} & set(sys.modules)\n"
        "sys.stderr.write(f'{time.process_time()} {sorted(heavy)}')"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stderr
    seconds, heavy = told.split(" ", 1)
    assert heavy == "[]"
    assert float(seconds) < 0.5


def test_every_command_has_an_example_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    import typer.main

    from imagehaven.cli.main import app

    def walk(group: object, words: list[str]) -> list[list[str]]:
        found = []
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                found += walk(command, [*words, name])
            else:
                found.append([*words, name])
        return found

    commands = walk(typer.main.get_command(app), [])
    assert len(commands) > 20
    for words in commands:
        assert run([*words, "--help"]) == 0
        told = capsys.readouterr().out
        assert f"{words[-1]}" in told.split("Options:")[0].split("Usage:")[1]
        examples = [line for line in told.splitlines() if line.startswith("  imagehaven ")]
        assert examples, words
        assert any(" ".join(words) in line for line in examples), words
