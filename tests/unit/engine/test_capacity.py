"""A capacity plan says what is used up first, and agrees with sums done by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.cli.main import run
from imagehaven.engine import plan_capacity
from imagehaven.engine.capacity import figures_of, known_figures, plan_of
from imagehaven.errors import UserError

ARCHIVE = {
    "archive": {"terabytes": 36, "megabytes_per_instance": 1, "searched_fraction": 0,
                "released_fraction": 0},
    "nodes": {"count": 1, "cores": 10, "network_megabytes_per_second": 1e9},
    "storage": {"read_megabytes_per_second": 1e9, "write_megabytes_per_second": 1e9},
    "rates": {"ingest_instances_per_core_second": 100, "commit_instances_per_second": 1e9},
}  # fmt: skip


def figures(**changes: float) -> dict[str, float]:
    """The archive above with some figures changed: ``group__name=value``."""
    told = {group: dict(names) for group, names in ARCHIVE.items()}
    for name, value in changes.items():
        group, word = name.split("__")
        told.setdefault(group, {})[word] = value
    return figures_of(json.dumps(told), "figures.yaml")


def test_cores_alone_set_the_pace_where_all_else_is_plenty() -> None:
    plan = plan_of(figures())  # 36 million instances at 1,000 a second
    assert plan.bottleneck == "cores"
    assert plan.days == round(36_000 / 86_400, 1)
    assert plan.core_hours == 100.0
    assert plan.instances == 36_000_000


@pytest.mark.parametrize(
    ("changes", "bottleneck", "seconds"),
    [
        ({"storage__read_megabytes_per_second": 100}, "store, reading", 360_000),
        ({"nodes__network_megabytes_per_second": 50}, "network", 720_000),
        ({"rates__commit_instances_per_second": 200}, "commit", 180_000),
        (
            {"archive__released_fraction": 1, "storage__write_megabytes_per_second": 10},
            "store, writing",
            3_600_000,
        ),
    ],
)
def test_what_is_used_up_first_is_the_bottleneck(
    changes: dict[str, float], bottleneck: str, seconds: int
) -> None:
    plan = plan_of(figures(**changes))
    assert plan.bottleneck == bottleneck
    assert plan.days == round(seconds / 86_400, 1)
    assert plan.use[bottleneck] == 1
    assert all(share < 1 for name, share in plan.use.items() if name != bottleneck)


def test_a_deadline_gives_the_fewest_nodes_that_meet_it() -> None:
    days = 36_000 / 86_400
    assert plan_of(figures(nodes__count=0, deadline__days=days)).nodes == 1
    assert plan_of(figures(nodes__count=0, deadline__days=days / 3)).nodes == 3
    assert plan_of(figures(nodes__count=0, deadline__days=days / 3.5)).nodes == 4


def test_no_number_of_nodes_makes_the_one_committer_quicker() -> None:
    plan = plan_of(
        figures(nodes__count=0, deadline__days=1, rates__commit_instances_per_second=100)
    )
    assert plan.nodes is None
    assert plan.bottleneck == "commit"
    assert any("No number of nodes" in note for note in plan.notes)


def test_the_live_feed_goes_first_and_may_leave_too_little() -> None:
    alone = plan_of(figures())
    shared = plan_of(figures(archive__yearly_terabytes=15_000))
    assert alone.days is not None
    assert shared.days is not None
    assert shared.days > alone.days
    swamped = plan_of(figures(archive__yearly_terabytes=40_000))
    assert swamped.days is None
    assert swamped.live_use > 1
    assert any("never done" in note for note in swamped.notes)


def test_a_cost_stands_there_only_where_a_price_was_given() -> None:
    assert plan_of(figures()).cost == {}
    cost = plan_of(figures(prices__node_hour=2, prices__terabyte_month=3)).cost
    assert cost["nodes, until the archive is done"] == 20.0
    assert cost["storage, a month"] == pytest.approx(36.036 * 3, abs=0.01)


def test_receivers_take_the_busiest_hour() -> None:
    year = 365 * 24 * 3600
    changes = {"archive__yearly_terabytes": year * 100 / 1e6, "live__peak_factor": 8}
    assert plan_of(figures(**changes, rates__receive_instances_per_second=385)).receivers == 3


@settings(max_examples=60)
@given(
    st.floats(0.1, 5000), st.floats(0.01, 20), st.floats(0, 1), st.floats(0, 1), st.integers(1, 64)
)
def test_more_nodes_never_take_longer(
    terabytes: float, size: float, released: float, searched: float, nodes: int
) -> None:
    changes = {
        "archive__terabytes": terabytes,
        "archive__megabytes_per_instance": size,
        "archive__released_fraction": released,
        "archive__searched_fraction": searched,
        "storage__read_megabytes_per_second": 5000,
        "rates__commit_instances_per_second": 3000,
    }
    few = plan_of(figures(**changes, nodes__count=nodes)).days
    more = plan_of(figures(**changes, nodes__count=nodes + 1)).days
    assert more is not None or few is None
    assert few is None or (more is not None and more <= few)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("archive:\n  terabytes: much\n", "line 2: archive.terabytes must be a number"),
        ("archive:\n  petabytes: 3\n", "line 2: archive has no figure 'petabytes'.*terabytes"),
        ("disks:\n  count: 3\n", "line 1: there is no group 'disks'.*archive, nodes"),
        ("nodes:\n  cores: 0\n", "line 2: nodes.cores must be more than 0"),
        ("archive:\n  released_fraction: 2\n", "line 2: .*0 to 1"),
        ("archive:\n  terabytes: .nan\n", "line 2: .*must be a number"),
        ("- 3\n", "line 1: .*go here"),
        ("", "go here"),
        ("a: [\n", "not valid YAML"),
        ("archive: {terabytes: 1}\n", "does not say archive.megabytes_per_instance"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_choices(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        figures_of(text, "figures.yaml")


def test_neither_nodes_nor_deadline_is_no_question() -> None:
    with pytest.raises(UserError, match=r"nodes\.count, or deadline\.days"):
        plan_of(figures(nodes__count=0))


def test_every_figure_says_what_it_is() -> None:
    for figure in known_figures().values():
        assert figure.about.endswith((".", "profile says."))
        assert figure.unit


def test_the_command_says_what_the_call_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(json.dumps(ARCHIVE))
    assert run(["plan-capacity", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == plan_capacity(file).summary()
    assert run(["plan-capacity", "--figures", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(known_figures())
    assert run(["plan-capacity", str(tmp_path / "nothing.yaml")]) == 2
    assert run(["plan-capacity"]) == 2
