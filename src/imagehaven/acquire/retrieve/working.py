"""Brings one study home: compares what the source lists with what is here until nothing lacks.

The first order is for what lacks as a whole: the study, or its series. Every later one asks for
exactly the instances that did not come, from a list that was asked for anew, since studies change
while they are fetched. What a source lacks or refuses is asked of the secondary source.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from imagehaven.acquire.receive.filing import Incoming
from imagehaven.acquire.receive.spool import MOST_UNSYNCED, Draft, Spool
from imagehaven.acquire.retrieve.gate import Gate
from imagehaven.acquire.retrieve.holding import Holdings
from imagehaven.acquire.retrieve.peer import (
    Instance,
    Inventory,
    NotServed,
    Order,
    Peer,
    Refused,
    Unavailable,
)
from imagehaven.acquire.retrieve.worklist import ARRIVED, FAILED, MISSING, PARTLY, Outcome, Work
from imagehaven.errors import TransientError

#: UIDs in one order: an identifier of about 6 KB.
MOST_UIDS: Final = 90
_LOOK_AGAIN: Final = 0.1


@dataclass
class Side:
    """One source at work in one thread. ``settle``: seconds in which objects may still come."""

    name: str
    peer: Peer
    gate: Gate
    spool: Spool
    attempts: int
    settle: float = 0.0
    _paths: list[Path] = field(default_factory=list)

    def inventory(self, study: str) -> Inventory:
        """The source's list, its time told to the gate."""
        self.gate.enter(under_way=True)
        begun = time.monotonic()
        listed = self.peer.inventory(study)
        self.gate.answered(time.monotonic() - begun)
        return listed

    def fetch(self, order: Order) -> None:
        """Have one order delivered; what came is on the disk afterwards, also when it failed."""
        self.gate.enter(under_way=True)
        try:
            self.peer.fetch(order, self)
        finally:
            self._to_disk()

    def draft(self, incoming: Incoming) -> Draft:
        """See :class:`~imagehaven.acquire.retrieve.peer.Intake`."""
        return self.spool.draft(incoming)

    def wrote(self, size: int) -> None:
        """See :class:`~imagehaven.acquire.retrieve.peer.Intake`."""
        self.gate.came(size)

    def kept(self, draft: Draft) -> None:
        """See :class:`~imagehaven.acquire.retrieve.peer.Intake`."""
        path, _ = draft.keep()
        self._paths.append(path)
        if len(self._paths) >= MOST_UNSYNCED:
            self._to_disk()

    def _to_disk(self) -> None:
        paths, self._paths = self._paths, []
        if paths:
            self.spool.to_disk(paths)


@dataclass
class _Study:
    """What is known of the study under way."""

    uid: str
    listed: dict[str, Instance] = field(default_factory=dict)
    here: set[str] = field(default_factory=set)
    #: Instances in spools, also those that a list which was cut does not name.
    spooled: int = 0
    cut: bool = False
    said: int | None = None
    asked: bool = False
    held: int | None = None
    attempts: int = 0
    brought: int = 0
    by: str = ""
    cause: str = ""

    @property
    def lacking(self) -> list[Instance]:
        return [one for one in self.listed.values() if one.uid not in self.here]

    @property
    def complete(self) -> bool:
        """Whether everything listed is here, and the list is known to be whole."""
        return bool(self.listed) and not self.lacking and not self.short

    @property
    def short(self) -> bool:
        """Whether there are more instances than the list has, and they are not known to be here."""
        present = max(self.spooled, len(self.here))
        return self.cut and (self.said is None or present < self.said)


def bring(work: Work, sides: Sequence[Side], holdings: Holdings) -> Outcome:
    """Fetch what lacks of a study, and say what became of it.

    Raises Unavailable where the first source cannot be spoken to (nothing is decided then), and
    Refused where it will not speak to us and there is no other.
    """
    study = _Study(work.uid)
    for number, side in enumerate(sides):
        try:
            _from(side, study, holdings, first=number == 0)
        except Refused:
            if len(sides) == 1:
                raise
            study.cause = study.cause or "refused"
        if study.complete:
            break
    return _outcome(study)


def orders(
    study: str, listed: Sequence[Instance], lacking: Sequence[Instance], most: int | None
) -> list[Order]:
    """The orders that bring exactly what lacks.

    With ``most`` None, the fewest: the study, a series, or instances of a series where the rest is
    here. Else instances only, at most so many in one order.
    """
    if lacking and most is None and len(lacking) == len(listed):
        return [_order(study, "", (), lacking)]
    found = []
    for series in dict.fromkeys(one.series for one in lacking):
        mine = [one for one in lacking if one.series == series]
        if most is None and len(mine) == sum(1 for one in listed if one.series == series):
            found.append(_order(study, series, (), mine))
            continue
        for start in range(0, len(mine), most or MOST_UIDS):
            some = mine[start : start + (most or MOST_UIDS)]
            found.append(_order(study, series, tuple(one.uid for one in some), some))
    return found


def _order(study: str, series: str, uids: tuple[str, ...], which: Sequence[Instance]) -> Order:
    classes = frozenset(one.sop_class for one in which)
    return Order(study, series, uids, classes, frozenset(one.modality for one in which))


def _from(side: Side, study: _Study, holdings: Holdings, *, first: bool) -> None:
    """Ask one source until nothing lacks or its attempts are used up."""
    for attempt in range(side.attempts + 1):
        try:
            _list(side, study, holdings, first=first)
            # After the last attempt the list alone is asked for: what is gone by now lacks nothing.
            if study.complete or attempt == side.attempts or not study.listed:
                return
            _fetch(side, study, holdings, attempt)
        except NotServed as error:
            study.cause = error.reason
            _suffer(side, error, first=first)
        except Unavailable as error:
            if first:
                raise
            study.cause = study.cause or "secondary-unavailable"
            if not _suffer(side, error, first=first):
                return
        if study.complete:
            return


def _suffer(side: Side, error: NotServed | Unavailable, *, first: bool) -> bool:
    """Tell the gate; whether to go on. Only the first source's end of patience ends the verb."""
    try:
        side.gate.suffered(error)
    except TransientError:
        if first:
            raise
        return False
    return True


def _list(side: Side, study: _Study, holdings: Holdings, *, first: bool) -> None:
    inventory = side.inventory(study.uid)
    study.asked = True
    # What the first source lists is what is wanted; another one's list counts where it has none.
    if first or not study.listed:
        study.listed = {one.uid: one for one in inventory.instances}
        study.cut, study.said = inventory.cut, inventory.said
    _look(study, holdings)
    if study.held is None:
        study.held = len(study.here)
    if not study.listed and not study.cut:
        study.cause = "not-there"


def _fetch(side: Side, study: _Study, holdings: Holdings, attempt: int) -> None:
    listed, lacking = list(study.listed.values()), study.lacking
    # Whole series first; then lists of instances; then one by one, for sources that take no lists.
    most = (None, MOST_UIDS, 1)[min(attempt, 2)]
    wanted = orders(study.uid, listed, lacking, most)
    if study.short and attempt == 0:
        wanted = [_order(study.uid, "", (), listed)]  # what is not listed comes only with the whole
    study.attempts += 1
    study.cause = ""
    failed: NotServed | None = None
    before = max(study.spooled, len(study.here))
    for order in wanted:
        try:
            side.fetch(order)
        except NotServed as error:
            failed = error
            if error.distress:
                break
    _settle(side, study, holdings)
    came = max(study.spooled, len(study.here)) - before
    if came > 0:
        study.brought += came
        study.by = side.name
    if failed is not None:
        raise failed


def _settle(side: Side, study: _Study, holdings: Holdings) -> None:
    """Look at what came. Some sources say that they are done, and still send by C-MOVE."""
    quiet = time.monotonic()
    while True:
        before = len(study.here)
        _look(study, holdings)
        if len(study.here) > before:
            quiet = time.monotonic()
        if not study.lacking or time.monotonic() - quiet >= side.settle:
            break
        side.gate.rest(_LOOK_AGAIN)
    if side.settle:
        # The receiver waits for the disk when an association ends; this one may still be open.
        side.spool.to_disk(list(holdings.paths(side.spool.folder, study.uid)))


def _look(study: _Study, holdings: Holdings) -> None:
    study.here = holdings.of(study.uid, study.listed)
    study.spooled = holdings.count(study.uid) if study.cut else 0


def _outcome(study: _Study) -> Outcome:
    reason = study.cause or "not-delivered"
    lacking = tuple((one.uid, reason) for one in study.lacking)
    if study.complete:
        state, reason = ARRIVED, ""
    elif not study.asked:
        state = FAILED
    elif not study.here and not study.brought:
        state = MISSING
    else:
        state = PARTLY
    if state == PARTLY and not lacking:
        reason = "list-cut"
    return Outcome(
        state=state,
        reason=reason,
        attempts=study.attempts,
        listed=len(study.listed),
        held=study.held or 0,
        fetched=study.brought,
        from_source=study.by,
        missing=lacking,
    )
