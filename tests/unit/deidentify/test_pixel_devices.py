"""What is known of devices is read from data that proves itself by its examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagehaven.deidentify.pixels.areas import Area
from imagehaven.deidentify.pixels.devices import (
    Device,
    devices,
    files_hash,
    read_devices,
    with_files,
)
from imagehaven.errors import UserError

RULE = """
known:
  - acme( .*)?
rules:
  - id: acme-banner
    manufacturer: acme
    model: scan \\d+
    rows: 100
    blank: [[0, 1, 20, 3]]
    author: a reviewer
    added: 2026-01-02
    why: names stand there
    examples:
      matches: [{manufacturer: ACME, model: Scan 4, rows: 100}]
      passes: [{manufacturer: ACME, model: Scan 4, rows: 99}]
"""


def device(manufacturer: str, model: str = "", rows: int = 100) -> Device:
    texts = {"manufacturer": manufacturer, "model": model, "software": "", "modality": ""}
    return Device(texts, rows, 50)


def test_a_rule_holds_where_all_its_conditions_do() -> None:
    found = read_devices(RULE, "test.yaml")
    assert found.areas(device("ACME", "scan 17")) == (Area(0, 1, 20, 4),)
    assert found.areas(device("ACME", "scan 17", rows=99)) == ()
    assert found.areas(device("ACME", "scan")) == ()
    assert found.knows(device("Acme Medical"))
    assert not found.knows(device("Pacme"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rows: 99}", "rows: 100}", "example 1 of passes does the opposite"),
        ("model: Scan 4, rows: 100", "model: Scan, rows: 100", "example 1 of matches"),
        ("[[0, 1, 20, 3]]", "[[0, 1, 20]]", "left, top, width, height"),
        ("[[0, 1, 20, 3]]", "[[0, 1, 0, 3]]", "left, top, width, height"),
        ("    author: a reviewer\n", "", "'author' is missing"),
        ("scan \\d+", "scan (", "cannot be read"),
        ("    why:", "    because:", "because"),
        ("    manufacturer: acme\n    model: scan \\d+\n", "", "manufacturer or a model"),
        ("known:\n  - acme( .*)?\n", "", "the keys must be known, rules"),
        ("rules:", "rules: [", "not valid YAML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(old: str, new: str, told: str) -> None:
    with pytest.raises(UserError, match=r"test\.yaml") as refused:
        read_devices(RULE.replace(old, new), "test.yaml")
    assert told in str(refused.value)


def test_what_the_house_knows_is_sound() -> None:
    known = devices()
    assert known.knows(device("SIEMENS"))
    assert known.knows(device("GE MEDICAL SYSTEMS"))
    assert not known.knows(device(""))
    assert known.areas(Device(device("G.E. Medical Systems", "LOGIQ 700").texts, 480, 640))


def test_a_havens_own_files_are_added_to_what_is_built_in(tmp_path: Path) -> None:
    own = tmp_path / "site.yaml"
    own.write_text(RULE, encoding="utf-8")
    found = with_files([own])
    assert found.areas(device("ACME", "scan 17")) == (Area(0, 1, 20, 4),)
    assert found.knows(device("Acme")) and found.knows(device("SIEMENS"))
    assert len(found.rules) == len(devices().rules) + 1
    assert files_hash([own]) != files_hash([]) == ""
    own.write_text(RULE.replace("acme-banner", devices().rules[0].id), encoding="utf-8")
    with pytest.raises(UserError, match="rename one"):
        with_files([own])
    with pytest.raises(UserError, match="cannot be read"):
        with_files([tmp_path / "absent.yaml"])
