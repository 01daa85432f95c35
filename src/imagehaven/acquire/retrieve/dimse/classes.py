"""Which contexts a C-GET proposes: a class for each, and one transfer syntax in each context.

With several syntaxes in one context the source would choose one for all its objects, and convert
the others. With one syntax in each it can send every object as it has it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from imagehaven.acquire.receive.upperlayer.pdu import Proposed
from imagehaven.acquire.retrieve.dimse.proposal import MOST_CONTEXTS
from imagehaven.acquire.retrieve.peer import Order
from imagehaven.declarations import read_yaml

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")


@dataclass(frozen=True)
class Offered:
    """What ``storage.yaml`` declares."""

    transfer_syntaxes: tuple[str, ...]
    classes: dict[str, tuple[str, ...]]


@functools.cache
def offered() -> Offered:
    """The declaration; raises ValueError where it names what is no UID."""
    text = files(__package__).joinpath("storage.yaml").read_text(encoding="utf-8")
    document = read_yaml(text)
    syntaxes = tuple(map(str, document["transfer_syntaxes"]))
    classes = {str(name): tuple(map(str, uids)) for name, uids in document["classes"].items()}
    for uid in (*syntaxes, *(uid for uids in classes.values() for uid in uids)):
        if not _UID.fullmatch(uid):
            raise ValueError(f"storage.yaml: {uid} is no UID")
    return Offered(syntaxes, classes)


def classes_of(orders: Iterable[Order]) -> tuple[str, ...]:
    """The classes that these orders may bring, from what the source listed."""
    orders = list(orders)
    told = {uid for order in orders for uid in order.sop_classes if _UID.fullmatch(uid)}
    if all(order.sop_classes and "" not in order.sop_classes for order in orders):
        return tuple(sorted(told))
    modalities = {modality for order in orders for modality in order.modalities}
    known = offered().classes
    rows = [uids for modality, uids in known.items() if modality in modalities]
    # Nothing is known of the order: the first class of every modality, before the rarer ones.
    if not rows and not told:
        rows = [uids[:1] for uids in known.values()]
    return tuple(sorted(told | {uid for uids in rows for uid in uids}))


def contexts(model: str, classes: Sequence[str], implicit: str) -> list[Proposed]:
    """The context of C-GET, and those of the classes, as many syntaxes of each as there is room."""
    room = MOST_CONTEXTS - 1
    each = max(room // max(len(classes), 1), 1)
    syntaxes = offered().transfer_syntaxes[:each]
    proposed = [Proposed(1, model, (implicit,))]
    for sop_class in classes[:room]:
        for syntax in syntaxes:
            proposed.append(Proposed(2 * len(proposed) + 1, sop_class, (syntax,)))
    return proposed
