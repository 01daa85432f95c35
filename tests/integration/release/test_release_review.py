"""What a release's verification found is reviewed, and the next release knows what was decided."""

import csv
import json

import pytest
from pydicom import dcmread

from imagehaven.errors import UserError
from imagehaven.release import release
from imagehaven.verify import decide, findings, rules_in_use, sample, seen, undo
from road_to_release import MR, Road, catalogued

SITE = """version: 1
rules:
  - id: makers-name
    class: name
    author: tester
    where: [text]
    elements: [Manufacturer]
    pattern: '.+'
    matches: ["Anybody"]
    passes: [""]
"""


@pytest.fixture(scope="module", name="review_road")
def _review_road(tmp_path_factory, hospital) -> Road:
    made = catalogued(tmp_path_factory.mktemp("review"), hospital)
    yield made
    made.haven.ledger.close()


def test_findings_of_a_release_are_reviewed_and_the_next_one_passes(review_road, tmp_path):
    haven = review_road.haven
    folder = haven.folder / "rules"
    folder.mkdir(exist_ok=True)
    (folder / "reviewed-makers.yaml").write_text(SITE)
    review_road.cohort("reviewed-makers", MR, "mr")

    first = release(haven, "reviewed-makers", "mr", to=tmp_path / "first")
    failed = first.states["failed-verification"]
    assert failed > 0 and not first.states["released"]
    groups = findings(haven)
    assert sum(group.findings for group in groups) == failed
    assert {group.example.finding.element for group in groups} == {"Manufacturer"}
    assert all(group.example.finding.value for group in groups)
    told = json.dumps([group.to_dict() for group in groups])
    assert not any(group.example.finding.value in told for group in groups)

    for group in groups:
        decide(haven, group.group, "ignore", reason="a maker")
    second = release(haven, "reviewed-makers", "mr", to=tmp_path / "second")
    assert second.states["released"] == failed
    assert findings(haven) == []
    assert {rule["id"]: rule["hits"] for rule in rules_in_use(haven)}["uk-postcode"] == 0
    for _ in groups:
        undo(haven)
    assert sum(group.findings for group in findings(haven)) == failed


def test_a_value_marked_redact_is_removed_by_the_next_release(review_road, tmp_path):
    haven = review_road.haven
    review_road.cohort("redact-makers", MR, "mr")
    folder = haven.folder / "rules"
    folder.mkdir(exist_ok=True)
    (folder / "redact-makers.yaml").write_text(SITE)
    blocked = release(haven, "redact-makers", "mr", to=tmp_path / "first")
    assert blocked.states["failed-verification"]
    held = {group.example.finding.value for group in findings(haven)}
    made = [decide(haven, group.group, "redact") for group in findings(haven)]
    (folder / "redact-makers.yaml").unlink()
    again = release(haven, "redact-makers", "mr", to=tmp_path / "second")
    assert again.states["released"] == blocked.states["failed-verification"], again.reasons
    told = {dcmread(path).get("Manufacturer") for path in (tmp_path / "second").rglob("*.dcm")}
    assert held and not held & told
    for _ in made:
        undo(haven)
    third = release(haven, "redact-makers", "mr", to=tmp_path / "third")
    assert third.states["released"] == blocked.states["failed-verification"]
    told = {dcmread(path).get("Manufacturer") for path in (tmp_path / "third").rglob("*.dcm")}
    assert told == held


def test_people_look_at_a_keyed_sample_and_the_bound_is_stated(review_road, tmp_path):
    haven = review_road.haven
    review_road.cohort("sampled")
    name = release(haven, "sampled", "all", to=tmp_path / "out").release
    foreseen = sample(haven, name, bound=0.2, check=True)
    plan = sample(haven, name, bound=0.2, to=tmp_path / "look.csv")
    assert 0 < plan.chosen == foreseen.chosen < plan.population
    assert len(plan.strata) > 1
    assert plan.upper is None and "nothing is proved" in plan.statement
    assert sample(haven, name, bound=0.2).chosen == plan.chosen
    stricter = sample(haven, name, bound=0.1, to=tmp_path / "look.csv")
    assert stricter.chosen > plan.chosen

    with (tmp_path / "look.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all((tmp_path / "out" / row["path"]).is_file() for row in rows)

    def answer(verdicts):
        with (tmp_path / "look.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows({**row, "verdict": v} for row, v in zip(rows, verdicts, strict=True))
        return seen(haven, plan.sample, tmp_path / "look.csv")

    done = answer(["clean"] * len(rows))
    assert done.upper is not None and done.upper <= 0.1
    assert done.statement.startswith(f"0 of {len(rows):,} files found: residual rate at most ")
    assert done.statement.endswith(" at 95 %")
    worse = answer(["found"] + ["clean"] * (len(rows) - 1))
    assert worse.found == 1 and worse.upper > done.upper
    frames = sample(haven, name, bound=0.2, unit="frame")
    assert frames.population > plan.population

    (tmp_path / "wrong.csv").write_text("path,frame,verdict\nnowhere.dcm,0,clean\n")
    with pytest.raises(UserError, match="none of sample"):
        seen(haven, plan.sample, tmp_path / "wrong.csv")
    (tmp_path / "wrong.csv").write_text("path,frame,verdict\nnowhere.dcm,0,maybe\n")
    with pytest.raises(UserError, match="line 2: the verdict must be clean or found"):
        seen(haven, plan.sample, tmp_path / "wrong.csv")
    with pytest.raises(UserError, match="no released files"):
        sample(haven, "no-such-release")
