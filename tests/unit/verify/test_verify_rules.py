"""Rules as data: examples tried at load, errors that name the rule and line, waivers."""

from importlib.resources import files

import pytest
import yaml

from imagehaven.errors import UserError
from imagehaven.verify import default_rules, load_rules, rules_hash
from imagehaven.verify.detect.rules import parse_rules
from imagehaven.verify.known.matcher import Context

TEXT = files("imagehaven.verify.detect").joinpath("rules.yaml").read_text("utf-8")
EXAMPLES = [
    (row["id"], kind, example)
    for row in yaml.safe_load(TEXT)["rules"]
    for kind in ("matches", "passes")
    for example in row[kind]
]
ONE = """version: 1
rules:
  - id: {id}
    author: tester
    class: {cls}
    where: [text]
    pattern: '{pattern}'
    matches: ["abc"]
    passes: ["xyz"]
"""


@pytest.mark.parametrize(("rule_id", "kind", "example"), EXAMPLES)
def test_every_rule_finds_its_matches_and_passes_its_near_misses(rule_id, kind, example):
    rule = next(rule for rule in default_rules().rules if rule.id == rule_id)
    assert bool(list(rule.find(example))) is (kind == "matches")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"pattern": "abd"},
            r"line 3, rule r1: the rule does not find its own example matches\[1\]",
        ),
        ({"pattern": "[a-z]+"}, r"line 3, rule r1: the rule finds its own example passes\[1\]"),
        ({"pattern": "(abc"}, "line 3, rule r1: the pattern is not a regular expression"),
        ({"cls": "shoe-size"}, "line 3, rule r1: class must be one of"),
    ],
)
def test_a_wrong_rule_is_refused_by_its_id_and_line(change, message):
    with pytest.raises(UserError, match=message):
        parse_rules(
            ONE.format(**({"id": "r1", "cls": "name", "pattern": "abc"} | change)), "x.yaml"
        )


def test_a_rule_without_examples_is_refused():
    text = ONE.format(id="r1", cls="name", pattern="abc").replace('    passes: ["xyz"]\n', "")
    with pytest.raises(UserError, match="at least one example"):
        parse_rules(text, "x.yaml")


def test_a_rule_id_stands_once():
    text = ONE.format(id="r1", cls="name", pattern="abc")
    with pytest.raises(UserError, match="r1 stands there twice"):
        parse_rules(text + text.split("rules:\n")[1], "x.yaml")


def test_a_waiver_cannot_name_a_rule_with_a_checksum():
    text = TEXT + (
        "\n  - id: ten-digit-accessions\n    author: tester\n    rules: [chi-number]\n"
        "    level: value\n"
        "    pattern: '\\d{10}'\n    matches: ['0101901232']\n    passes: ['1']\n"
    )
    with pytest.raises(UserError, match="checksum cannot be waived"):
        parse_rules(text, "x.yaml")


def test_a_waiver_takes_a_finding_away_at_its_elements_only():
    rules = default_rules()
    assert rules.find("V3.06 2011-03-04", Context.TEXT, "StudyDescription")
    assert not rules.find("V3.06 2011-03-04", Context.TEXT, "SoftwareVersions")


def test_a_waiver_by_value_needs_the_whole_value():
    text = TEXT + (
        "\n  - id: the-harbour-trial\n    author: tester\n    rules: [uk-postcode]\n"
        "    level: value\n"
        "    pattern: 'TRIAL DD1 9SY'\n    matches: ['TRIAL DD1 9SY']\n    passes: ['DD1 9SY']\n"
    )
    rules = parse_rules(text, "x.yaml")
    assert not rules.find("TRIAL DD1 9SY", Context.TEXT)
    assert rules.find("TRIAL DD1 9SY and more", Context.TEXT)


def test_the_hash_changes_with_the_rules_and_not_with_comments():
    own = parse_rules(TEXT, "x.yaml")
    assert rules_hash(own) == rules_hash(default_rules())
    assert rules_hash(parse_rules("# new line\n" + TEXT, "x.yaml")) == rules_hash(own)
    assert rules_hash(parse_rules(TEXT.replace("Dr|Mr|", "Mr|Dr|"), "x.yaml")) != rules_hash(own)


def test_a_rules_file_that_is_missing_or_no_yaml_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_rules(tmp_path / "none.yaml")
    broken = tmp_path / "rules.yaml"
    broken.write_text("rules: [")
    with pytest.raises(UserError, match="not valid YAML"):
        load_rules(broken)


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", Context.UID),
        ("2.25.010190123212345678901234567890123456", Context.UID),
        ("0.0101901232", Context.NUMBER),
        ("0.488281\\0.488281", Context.NUMBER),
        ("MR^HEAD^ROUTINE", Context.TEXT),
        ("T2_TSE_TRA 3MM", Context.TEXT),
        ("syngo MR E11", Context.TEXT),
        ("5.10.12", Context.TEXT),
        ("ISO_IR 100", Context.CODE),
        ("20200101", Context.DATE),
        ("Baker's cyst, Hodgkin lymphoma", Context.TEXT),
        ("General Electric Medical Systems", Context.TEXT),
        ("ORIGINAL\\PRIMARY\\AXIAL", Context.CODE),
    ],
)
def test_technical_values_are_no_findings(text, context):
    assert default_rules().find(text, context) == []
