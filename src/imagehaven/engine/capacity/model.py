"""Simulates a plan day by day: what the live feed leaves of each resource goes to the archive.

A fluid model. Work needs so many seconds of each resource: of the cores, of the store's reading and
writing, of the nodes' network, of the one process that commits to the catalogue. Stages overlap, so
that the resource which is used up first sets the pace: that is the bottleneck. The model leaves out
failures, skew between nodes and queues in a PACS; a plan wants room for these.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from imagehaven.engine.capacity.figures import Figures
from imagehaven.errors import UserError

_DAY: Final = 24.0
_YEAR: Final = 365
#: After so many days without an end a plan says that there is none.
_LONGEST: Final = 20 * _YEAR
_MOST_NODES: Final = 4096
#: The resources, as a plan names them.
CORES, READ, WRITE, NETWORK, COMMIT = (
    "cores",
    "store, reading",
    "store, writing",
    "network",
    "commit",
)


@dataclass(frozen=True)
class Plan:
    """What the figures come to. ``use`` is, for each resource, its share at work on the first day.

    ``days`` is None where the archive is never done, ``nodes`` None where no number of nodes meets
    the deadline. ``cost`` has only what a price was given for.
    """

    nodes: int | None
    days: float | None
    bottleneck: str
    use: dict[str, float]
    instances: int
    core_hours: float
    live_use: float
    receivers: int
    catalogue_terabytes: float
    stored_terabytes: float
    cost: dict[str, float]
    notes: list[str]

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return asdict(self)


def plan_of(figures: Figures) -> Plan:
    """Plan with these figures; raises UserError where neither nodes nor a deadline are given."""
    given, deadline = int(figures["nodes.count"]), figures["deadline.days"]
    if not given and not deadline:
        raise UserError("Give nodes.count, or deadline.days to find how many nodes it needs.")
    nodes = given or _fewest(figures, deadline)
    counted = nodes or _MOST_NODES
    days = _days(figures, counted)
    use, live = _use(figures, counted), _live_use(figures, counted)
    bottleneck = max(use, key=lambda name: use[name])
    terabytes = figures["archive.terabytes"]
    instances = terabytes * 1e6 / figures["archive.megabytes_per_instance"]
    catalogue = instances * figures["rates.catalogue_bytes_per_instance"] / 1e12
    stored = terabytes * (1 + figures["archive.released_fraction"]) + catalogue
    return Plan(
        nodes=nodes,
        days=None if days is None else round(days, 1),
        bottleneck=bottleneck,
        use={name: round(share, 3) for name, share in use.items()},
        instances=round(instances),
        core_hours=round(_needs(figures, counted, terabytes)[CORES] * counted / 3600
                         * figures["nodes.cores"], 1),
        live_use=round(live, 4),
        receivers=_receivers(figures),
        catalogue_terabytes=round(catalogue, 3),
        stored_terabytes=round(stored, 3),
        cost=_cost(figures, nodes, days, stored),
        notes=_notes(figures, nodes, days, bottleneck, deadline),
    )  # fmt: skip


def _needs(figures: Figures, nodes: int, terabytes: float) -> dict[str, float]:
    """Seconds of each resource, at full use of all of it, that so much of the archive needs."""
    megabytes = terabytes * 1e6
    instances = megabytes / figures["archive.megabytes_per_instance"]
    part = figures["archive.released_fraction"]
    seconds = (
        figures["rates.deidentify_seconds_per_instance"]
        + figures["rates.deidentify_seconds_per_megabyte"]
        * figures["archive.megabytes_per_instance"]
    ) * figures["rates.verified_release_factor"] + (
        figures["archive.searched_fraction"] * figures["rates.search_seconds_per_instance"]
    )
    work = (
        instances / figures["rates.ingest_instances_per_core_second"] + instances * part * seconds
    )
    # Ingest reads every byte for its hash; a release reads its part again, and what it wrote.
    read, written = megabytes * (1 + 2 * part), megabytes * part
    return {
        CORES: work / (nodes * figures["nodes.cores"]),
        READ: read / figures["storage.read_megabytes_per_second"],
        WRITE: written / figures["storage.write_megabytes_per_second"],
        NETWORK: max(read, written) / (nodes * figures["nodes.network_megabytes_per_second"]),
        COMMIT: instances / figures["rates.commit_instances_per_second"],
    }


def _live_day(figures: Figures, nodes: int, year: int) -> dict[str, float]:
    """Seconds of each resource that the live feed needs on a day of that year."""
    growth = (1 + figures["archive.yearly_growth"] / 100) ** year
    return _needs(figures, nodes, figures["archive.yearly_terabytes"] * growth / _YEAR)


def _days(figures: Figures, nodes: int) -> float | None:
    """Days until the archive is done, live feed first; None where the feed leaves too little."""
    needs, open_seconds = _needs(figures, nodes, figures["archive.terabytes"]), _open(figures)
    done = 0.0
    for day in range(_LONGEST):
        live = _live_day(figures, nodes, day // _YEAR)
        left = {name: open_seconds - live[name] for name in needs}
        step = min((left[name] / needs[name] for name in needs if needs[name]), default=1.0)
        if step <= 0:
            return None
        if done + step >= 1:
            return day + (1 - done) / step
        done += step
    return None


def _use(figures: Figures, nodes: int) -> dict[str, float]:
    """The share of each resource at work on the first day, of what the live feed leaves."""
    needs, live = (
        _needs(figures, nodes, figures["archive.terabytes"]),
        _live_day(figures, nodes, 0),
    )
    left = {name: max(_open(figures) - live[name], 1e-9) for name in needs}
    slowest = max(needs[name] / left[name] for name in needs) or 1.0
    return {name: needs[name] / left[name] / slowest for name in needs}


def _live_use(figures: Figures, nodes: int) -> float:
    return max(_live_day(figures, nodes, 0).values()) / _open(figures)


def _open(figures: Figures) -> float:
    """Seconds of a day in which the nodes may work."""
    return min(figures["nodes.hours_per_day"], _DAY) * 3600


def _fewest(figures: Figures, deadline: float) -> int | None:
    """The fewest nodes that meet the deadline: more never take longer, so halves are tried."""

    def enough(nodes: int) -> bool:
        days = _days(figures, nodes)
        return days is not None and days <= deadline

    if not enough(_MOST_NODES):
        return None
    low, high = 1, _MOST_NODES
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def _receivers(figures: Figures) -> int:
    instances = (
        figures["archive.yearly_terabytes"] * 1e6 / figures["archive.megabytes_per_instance"]
    )
    busiest = instances / _YEAR / _DAY / 3600 * figures["live.peak_factor"]
    return math.ceil(busiest / figures["rates.receive_instances_per_second"])


def _cost(
    figures: Figures, nodes: int | None, days: float | None, stored: float
) -> dict[str, float]:
    cost: dict[str, float] = {}
    if figures["prices.node_hour"] and nodes and days is not None:
        hours = days * min(figures["nodes.hours_per_day"], _DAY)
        cost["nodes, until the archive is done"] = round(
            nodes * hours * figures["prices.node_hour"], 2
        )
    if figures["prices.terabyte_month"]:
        cost["storage, a month"] = round(stored * figures["prices.terabyte_month"], 2)
    return cost


def _notes(
    figures: Figures, nodes: int | None, days: float | None, bottleneck: str, deadline: float
) -> list[str]:
    notes = []
    if nodes is None:
        notes.append(
            f"No number of nodes meets the deadline: {bottleneck} is used up first, and more nodes "
            "bring no more of it."
        )
    if days is None:
        notes.append("The live feed alone takes all of a resource: the archive is never done.")
    elif nodes is not None and deadline and days > deadline:
        notes.append("The nodes that there are do not meet the deadline.")
    if bottleneck not in (CORES, NETWORK) and nodes is not None:
        notes.append(f"More nodes would not be quicker: {bottleneck} sets the pace.")
    return notes
