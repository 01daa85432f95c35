"""Rules files are laid over each other: a layer adds rules and waivers and takes nothing away."""

import pickle

import pytest

from imagehaven.errors import UserError
from imagehaven.verify import default_rules, identifiable, load_rules, rules_hash
from imagehaven.verify.known.matcher import Context

SITE = """version: 1
rules:
  - id: site-trial-number
    class: other-id
    author: tester
    where: [text]
    pattern: 'TRIAL-\\d{4}'
    digits: 4
    matches: ["TRIAL-1234"]
    passes: ["TRIAL-12"]
ignore:
  - id: coil-names
    author: tester
    rules: [uk-postcode]
    values: ["DD1 9SY", "EH12 9DN"]
"""
PROJECT = """version: 1
ignore:
  - id: this-trial
    author: tester
    rules: [site-trial-number]
    elements: [SeriesDescription]
    level: value
    pattern: 'TRIAL-0001'
    matches: ["TRIAL-0001"]
    passes: ["TRIAL-0002"]
"""


@pytest.fixture(name="layers")
def _layers(tmp_path):
    paths = [tmp_path / "site.yaml", tmp_path / "project.yaml"]
    for path, text in zip(paths, (SITE, PROJECT), strict=True):
        path.write_text(text)
    return paths


def test_a_layer_adds_to_those_below_it(layers):
    rules = load_rules(*layers)
    assert rules.find("TRIAL-1234", Context.TEXT)
    assert rules.find("0101901232", Context.TEXT)
    assert rules.find("TRIAL-0001", Context.TEXT, "StudyDescription")
    assert not rules.find("TRIAL-0001", Context.TEXT, "SeriesDescription")


def test_a_list_of_whole_values_waives_these_and_nothing_around_them(layers):
    rules = load_rules(layers[0])
    assert not rules.find("DD1 9SY ", Context.TEXT)
    assert rules.find("lives in DD1 9SY", Context.TEXT)
    assert rules.find("DD1 9SZ", Context.TEXT)


def test_every_layer_counts_in_the_hash(layers):
    hashes = {rules_hash(default_rules()), rules_hash(load_rules(layers[0]))}
    assert len(hashes | {rules_hash(load_rules(*layers))}) == 3


def test_a_set_of_rules_travels_to_another_process_as_itself(layers):
    rules = load_rules(*layers)
    travelled = pickle.loads(pickle.dumps(rules))
    assert travelled == rules and hash(travelled) == hash(rules)
    assert travelled.find("TRIAL-1234", Context.TEXT)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    author: tester\n    where", "    where", "give an id, and the author"),
        ("id: site-trial-number", "id: chi-number", "chi-number stands there twice"),
        ("digits: 4", "digits: 5", r"does not find its own example matches\[1\]"),
        ("digits: 4", "digits: many", "digits must be a number"),
        ("where: [text]", "were: [text]", "were is no key of it"),
        ("rules: [uk-postcode]", "rules: [no-such-rule]", "rules must list one or more"),
        ("rules: [uk-postcode]", "rules: [nhs-number]", "checksum cannot be waived"),
        ("    values:", "    pattern: 'x'\n    values:", "either a pattern, or a list"),
        ("ignore:", "ignored:", "ignored is no key of it"),
    ],
)
def test_a_wrong_layer_is_refused_by_its_file_and_line(old, new, message, layers):
    assert old in SITE
    layers[0].write_text(SITE.replace(old, new, 1))
    with pytest.raises(UserError, match=message) as told:
        load_rules(*layers)
    assert str(layers[0]) in str(told.value)


def test_a_rule_may_be_limited_to_elements_and_columns(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(
        SITE.replace("    where: [text]\n", "    where: [text]\n    elements: [note]\n")
    )
    table = tmp_path / "t.csv"
    table.write_text("note,other\nTRIAL-1234,TRIAL-1234\n")
    assert {f.location for f in identifiable(table, rules=path)} == {"row 1, column note"}


def test_a_check_digit_is_found_whatever_a_waiver_says_of_its_element(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(
        "version: 1\nignore:\n  - id: accession-numbers\n    author: tester\n"
        "    rules: [compact-date, phone-number, uk-postcode]\n    elements: [AccessionNumber]\n"
        "    level: value\n    pattern: '.+'\n    matches: ['1']\n    passes: ['']\n"
    )
    rules = load_rules(path)
    assert not rules.find("DD1 9SY", Context.TEXT, "AccessionNumber")
    found = rules.find("DD1 9SY 0101901232", Context.TEXT, "AccessionNumber")
    assert {match.rule.id for match in found} == {"chi-number"}
