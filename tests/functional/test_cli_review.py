"""Review at the keyboard of a real pseudo-terminal, and the same decisions from a script."""

import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest

from imagehaven.cli.main import run
from imagehaven.haven import Haven, Settings
from imagehaven.verify import (
    Finding,
    default_rules,
    findings,
    history,
    identifiable,
    record_release,
    region_files,
    rules_of,
)

NOTES = """coil DD1 9SY in use
coil DD1 9SY again
coil DD1 9SZ in use
seen by Dr Abernethy
seen by Dr Abernethy
seen by Dr Abernethy
\x1b[2Jseen by Dr Abercrombie
"""


@pytest.fixture(name="haven")
def _haven(tmp_path):
    made = Haven.create(tmp_path / "haven", Settings(name="test"))
    (tmp_path / "notes.txt").write_text(NOTES)
    identifiable(tmp_path / "notes.txt", haven=made, keep=True)
    yield made
    made.ledger.close()


class Terminal:
    """`imagehaven` on a pseudo-terminal of its own."""

    def __init__(self, *words, name="first.reviewer"):
        leader, follower = pty.openpty()
        environment = {**os.environ, "LOGNAME": name, "TERM": "xterm", "COLUMNS": "100"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "imagehaven", *map(str, words)],
            stdin=follower, stdout=follower, stderr=follower, env=environment,
        )  # fmt: skip
        os.close(follower)
        self.leader, self.said = leader, ""

    def until(self, words):
        """Read until the words are on the screen; returns what was said up to there."""
        deadline = time.monotonic() + 60
        while words not in self.said:
            ready, _, _ = select.select([self.leader], [], [], 1)
            assert time.monotonic() < deadline, f"never said {words!r}: {self.said[-2000:]}"
            if ready:
                self.said += os.read(self.leader, 65536).decode()
        said, _, self.said = self.said.partition(words)
        return said

    def press(self, keys):
        os.write(self.leader, keys.encode())

    def close(self):
        assert self.process.wait(60) == 0
        os.close(self.leader)


def values(haven, **options):
    return [group.example.finding.value for group in findings(haven, **options)]


def test_one_key_decides_a_group_and_another_takes_it_back(haven):
    terminal = Terminal("-C", haven.folder, "review")
    assert "Dr Abernethy" in terminal.until("[q]uit")
    terminal.press("r")
    terminal.until("Decided (1): redact for 3 findings")
    assert "DD1 9SY" in terminal.until("[q]uit")
    terminal.press("i")
    terminal.until("Decided (2): ignore for 2 findings")
    terminal.until("[q]uit")
    terminal.press("n")
    terminal.until("Group 2 of 2")
    terminal.press("p")
    terminal.until("Group 1 of 2")
    terminal.press("u")
    terminal.until("Undone: decision 2")
    terminal.until("Group 1 of 3")
    terminal.press("q")
    terminal.until("3 groups are open")
    terminal.close()
    assert values(haven, state="redact") == ["Dr Abernethy"]
    acts = [(one.act, one.actor, one.about) for one in history(haven)]
    assert acts == [
        ("redact", "first.reviewer", None),
        ("ignore", "first.reviewer", None),
        ("undo", "first.reviewer", 2),
    ]


def test_a_rule_is_shown_with_what_it_settles_before_it_is_saved(haven):
    terminal = Terminal("-C", haven.folder, "review")
    terminal.until("[q]uit")
    terminal.press("n")
    terminal.until("[q]uit")
    terminal.press("ms")
    terminal.until("Id of the rule: ")
    terminal.press("names-of-coils\n")
    terminal.until("[e]verywhere?")
    terminal.press("e")
    shown = terminal.until("Save it?")
    assert "settle 3 open findings" in shown
    assert "DD1 9SZ" in shown
    terminal.press("n")
    terminal.until("No rule was made")
    terminal.until("[q]uit")
    assert history(haven) == []
    terminal.press("mx")
    terminal.until("Regular expression: ")
    terminal.press("DD1 9S[YZ]\n")
    terminal.until("Id of the rule: ")
    terminal.press("names-of-coils\n")
    terminal.until("[e]verywhere?")
    terminal.press("t")
    terminal.until("Save it?")
    terminal.press("y")
    terminal.until("Saved: 3 findings are settled")
    terminal.press("q")
    terminal.close()
    assert "names-of-coils" in {one.id for one in rules_of(haven).ignores}


def test_what_may_not_be_is_said_and_the_review_goes_on(haven, tmp_path):
    (tmp_path / "chi.txt").write_text("0101901232\n" * 9)
    identifiable(tmp_path / "chi.txt", haven=haven, keep=True)
    terminal = Terminal("-C", haven.folder, "review")
    terminal.until("[q]uit")
    terminal.press("i")
    terminal.until("valid check digit")
    terminal.until("[q]uit")
    terminal.press("u")
    terminal.until("no decision that could be undone")
    terminal.press("\x04")
    terminal.close()
    assert history(haven) == []


def test_control_characters_of_a_file_do_not_reach_the_terminal(haven):
    terminal = Terminal("-C", haven.folder, "review")
    terminal.until("[q]uit")
    terminal.press("nnn")
    said = terminal.until("Abercrombie") + terminal.until("[q]uit")
    assert "\x1b[2J" not in said
    terminal.press("q")
    terminal.close()


def test_a_second_person_agrees_to_what_the_first_proposed(haven):
    first = Terminal("-C", haven.folder, "review", "--two-person")
    first.until("[q]uit")
    first.press("i")
    first.until("Proposed (1): ignore for 3 findings")
    first.press("i")
    first.until("Proposed (2)")
    first.press("q")
    first.close()
    again = Terminal("-C", haven.folder, "review", "--second")
    again.until("Nothing waits for a second reviewer")
    again.close()
    other = Terminal("-C", haven.folder, "review", "--second", name="second.reviewer")
    assert "Dr Abernethy" in other.until("[q]uit")
    other.press("y")
    other.until("Agreed")
    assert "DD1 9SY" in other.until("[q]uit")
    other.press("x")
    other.until("Refused")
    other.close()
    assert values(haven, state="ignored") == ["Dr Abernethy"]
    assert "DD1 9SY" in values(haven)


def test_without_a_terminal_the_keys_come_line_by_line(haven):
    done = subprocess.run(
        [sys.executable, "-m", "imagehaven", "-C", str(haven.folder), "review"],
        input="r\n\nn\nq\n", capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Decided (1): redact for 3 findings" in done.stdout
    assert values(haven, state="redact") == ["Dr Abernethy"]


def test_a_script_decides_with_the_same_calls(haven, capsys):
    def call(*words):
        code = run(["-C", str(haven.folder), "--json", "review", *map(str, words)])
        return code, json.loads(capsys.readouterr().out)

    code, groups = call("list")
    assert code == 0 and [group["findings"] for group in groups] == [3, 2, 1, 1]
    assert "value" not in groups[0]
    assert "Dr Abernethy" in [group["value"] for group in call("list", "--values")[1]]
    code, told = call("decide", groups[0]["group"], "redact", "--check")
    assert (code, told["findings"], told["checked"]) == (0, 3, True)
    code, told = call("decide", groups[0]["group"], "redact", "--reason", "a person")
    assert (code, told["act"], told["findings"]) == (0, "redact", 3)
    code, told = call("rule", groups[1]["group"], "names-of-coils", "--form", "symbols")
    assert (code, told["settles"]) == (0, 3)
    assert [row["act"] for row in call("history")[1]] == ["redact", "rule"]
    assert "names-of-coils" in [row["id"] for row in call("rules")[1]]
    assert call("undo", 1)[1]["about"] == 1
    code, told = call("decide", groups[1]["group"], "ignore")
    assert code == 2 and "review list" in told["error"]
    code, told = call("decide", groups[0]["group"], "ignore", "--two-person")
    number = told["decision_id"]
    assert call("second", number, "agree")[0] == 2


def test_scans_are_recorded_from_the_command_line(haven, tmp_path, capsys):
    before = sum(group.findings for group in findings(haven))
    code = run(["-C", str(haven.folder), "identifiable", str(tmp_path / "notes.txt"), "--record"])
    assert code == 0
    assert "Abernethy" not in capsys.readouterr().out
    assert sum(group.findings for group in findings(haven)) == 2 * before
    assert run(["identifiable", str(tmp_path / "notes.txt"), "--record"]) == 2


def test_a_rules_file_is_laid_over_from_the_command_line(tmp_path, haven, capsys):
    rules = tmp_path / "own.yaml"
    rules.write_text(
        "version: 1\nrules:\n  - {id: harbour, author: us, class: other-id, where: [text], "
        "pattern: in use, matches: [in use], passes: [x]}\n"
    )
    code = run(["identifiable", str(tmp_path / "notes.txt"), "--rules", str(rules), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0 and {"harbour", "uk-postcode"} <= {row["rule"] for row in found}


@pytest.fixture(name="pictures")
def _pictures(haven):
    """A finding in pixels, as a scan of one machine's picture keeps it."""
    machine = {
        "manufacturer": "Northlight", "model": "Screen 2", "software": "", "modality": "OT",
        "sop_class": "1.2.840.10008.5.1.4.1.1.7", "rows": "240", "columns": "320",
    }  # fmt: skip
    found = Finding(
        "screen.dcm", "PixelData frame 1 box 20,12,200,20", "name", "text-in-pixels", "ocr",
        value="ZEBEDEE QUILL", text="ZEBEDEE QUILL", frame=1, box=(20, 12, 200, 20),
        machine=machine,
    )  # fmt: skip
    with haven.ledger.begin() as connection:
        record_release(connection, haven, "made-up", [("1.2.3", [found] * 4, {})], default_rules())
    return haven


def test_redacting_in_pixels_shows_the_place_first_and_blanks_it_when_told(pictures):
    terminal = Terminal("-C", pictures.folder, "review")
    terminal.until("[q]uit")
    terminal.press("r")
    said = terminal.until("Blank there?")
    assert "Northlight Screen 2, 320x240: 220x40 at 10,2" in said
    assert "0 pictures in the catalogue" in said
    assert region_files(pictures) == []
    terminal.press("y")
    terminal.until("Decided (1): redact for 4 findings")
    (file,) = region_files(pictures)
    assert "Screen" in file.read_text() and "ZEBEDEE" not in file.read_text()
    terminal.press("u")
    terminal.until("Undone")
    assert region_files(pictures) == []
    terminal.press("r")
    terminal.until("Blank there?")
    terminal.press("n")
    terminal.until("Decided (3): redact for 4 findings")
    assert region_files(pictures) == []
    terminal.press("q")
    terminal.close()


def test_a_script_sees_the_place_before_it_decides(pictures, capsys):
    def call(*words):
        code = run(["-C", str(pictures.folder), "--json", "review", *map(str, words)])
        return code, json.loads(capsys.readouterr().out)

    group = call("list")[1][0]["group"]
    code, told = call("decide", group, "redact", "--check")
    assert code == 0
    (region,) = told["regions"]
    assert region["blank"] == [[10, 2, 220, 40]]
    assert region["share_of_picture"] == 0.115
    assert region_files(pictures) == []
    assert "regions" not in call("decide", group, "redact", "--value-only", "--check")[1]
    assert run(["-C", str(pictures.folder), "review", "decide", group, "redact"]) == 0
    assert "220x40 at 10,2" in capsys.readouterr().out
    (file,) = region_files(pictures)
    lost = file.read_text()
    file.write_text("altered")
    assert [one.read_text() for one in region_files(pictures)] == [lost]
