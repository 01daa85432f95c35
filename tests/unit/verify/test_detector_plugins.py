"""Detectors installed beside imagehaven are asked; a broken one blocks and is never silent."""

import sys
from pathlib import Path

import pytest

from imagehaven.verify import default_rules, identifiable, rules_hash
from imagehaven.verify.detect import plugins

GOOD = """
def find(text, kind, keyword):
    start = text.find("ward")
    if start >= 0 and kind == "text":
        yield start, start + 4, "address"
"""


@pytest.fixture(name="install")
def _install(tmp_path, monkeypatch):
    """Install a distribution with one detector, as pip leaves it on the path."""

    def install(body: str, target: str = "site_detectors:find", version: str = "1.0") -> None:
        place = tmp_path / f"plugins-{version}"
        about = place / f"site_detectors-{version}.dist-info"
        about.mkdir(parents=True)
        (place / "site_detectors.py").write_text(body)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: site-detectors\nVersion: {version}\n"
        )
        (about / "entry_points.txt").write_text(f"[imagehaven.detectors]\nwards = {target}\n")
        monkeypatch.syspath_prepend(str(place))
        sys.modules.pop("site_detectors", None)
        plugins.installed_detectors.cache_clear()

    yield install
    sys.modules.pop("site_detectors", None)
    monkeypatch.undo()
    plugins.installed_detectors.cache_clear()


@pytest.fixture(name="note")
def _note(tmp_path) -> Path:
    path = tmp_path / "files" / "note.txt"
    path.parent.mkdir()
    path.write_text("quiet\nfrom ward 7\n")
    return path


def found(path):
    return {(f.location, f.value_class, f.rule, f.detector, f.shape) for f in identifiable(path)}


def test_what_an_installed_detector_finds_is_a_finding(install, note):
    install(GOOD)
    assert found(note) == {("line 2", "address", "wards", "wards", "aaaa")}


def test_without_detectors_the_same_file_is_clean(note):
    assert found(note) == set()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("def find(text, kind, keyword): return [][1]", "IndexError"),
        ("def find(text, kind, keyword): return [(0, 999, 'name')]", "nonsense"),
        ("def find(text, kind, keyword): return [(0, 1, 'shoe-size')]", "nonsense"),
        ("def find(text, kind, keyword): return [(0, 1, 'could-not-check')]", "nonsense"),
        ("def find(text, kind, keyword): return [7]", "TypeError"),
        ("def find(text, kind, keyword): yield 0, 1, 'name'; raise OSError", "OSError"),
    ],
)
def test_a_detector_that_fails_on_a_value_blocks_at_that_value(body, why, install, note):
    install(body)
    blocked = {(place, rule, shape) for place, _, rule, _, shape in found(note)}
    assert ("line 1", "could-not-check", why) in blocked
    assert ("line 2", "could-not-check", why) in blocked


@pytest.mark.parametrize(
    ("body", "target", "why"),
    [
        ("raise RuntimeError('0101901232')", "site_detectors:find", "RuntimeError"),
        ("other = 1", "site_detectors:find", "AttributeError"),
        ("find = 7", "site_detectors:find", "not-callable"),
        ("", "no_such_module:find", "ModuleNotFoundError"),
    ],
)
def test_a_detector_that_cannot_be_loaded_blocks_every_file(body, target, why, install, note):
    install(body, target)
    assert found(note) == {("file", "could-not-check", "could-not-check", "wards", why)}


def test_a_detector_belongs_to_the_hash_of_what_was_checked(install):
    without = rules_hash(default_rules())
    install(GOOD)
    first = rules_hash(default_rules())
    install(GOOD, version="2.0")
    assert len({without, first, rules_hash(default_rules())}) == 3
