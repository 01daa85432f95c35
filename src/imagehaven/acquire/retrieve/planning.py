"""Makes the worklist: asks every question of a request, and goes on where it was killed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from imagehaven.acquire.retrieve.asking import Judged, Part, judge
from imagehaven.acquire.retrieve.gate import Gate
from imagehaven.acquire.retrieve.peer import Found, NotServed, Peer, Refused, Study, Unavailable
from imagehaven.acquire.retrieve.sources.source import Source
from imagehaven.errors import TransientError, UserError


def answers(
    source: Source,
    peer: Peer,
    gate: Gate,
    parts: list[Part],
    progress: Callable[[str, int, int | None], None],
) -> Iterator[tuple[Part, Judged]]:
    """Ask until every part is answered; halves come before the parts after them.

    Raises UserError where the source will not speak to us, TransientError where it cannot be
    spoken to for longer than its patience.
    """
    waiting = deque(parts)
    done, total = 0, len(parts)
    while waiting:
        part = waiting.popleft()
        told = judge(part, _asked(source, peer, gate, part), source.limits.results)
        told = replace(told, studies=tuple(_of_modality(peer, gate, part, told.studies)))
        yield part, told
        waiting.extendleft(reversed(told.halves))
        done, total = done + 1, total + len(told.halves)
        progress("questions", done, total)


def _asked(source: Source, peer: Peer, gate: Gate, part: Part) -> Found:
    tries = 0
    while True:
        gate.enter()
        begun = time.monotonic()
        try:
            found = peer.studies(part.keys())
        except Refused as error:
            raise UserError(str(error)) from error
        except Unavailable as error:
            gate.suffered(error)
        except NotServed as error:
            gate.suffered(error)
            tries += 1
            if tries < source.limits.attempts:
                continue
            if error.reason == "out-of-resources" and part.halves():
                return Found((), cut=True)  # too much for it at once: a part of it may not be
            raise TransientError(
                f"{error} The question was asked {tries} times. Nothing was lost: the same "
                "command, given again, goes on from here."
            ) from error
        else:
            gate.answered(time.monotonic() - begun)
            return found


def _of_modality(peer: Peer, gate: Gate, part: Part, studies: tuple[Study, ...]) -> Iterator[Study]:
    """The studies that hold the modality asked for; others are asked by series."""
    for study in studies:
        if not part.modality or study.modalities:
            yield study
            continue
        try:
            gate.enter()
            found = {one.modality for one in peer.inventory(study.uid).instances}
        except (NotServed, Unavailable) as error:
            gate.suffered(error)
            yield study  # what cannot be looked at is fetched
            continue
        except Refused as error:
            raise UserError(str(error)) from error
        if part.modality in found:
            yield replace(study, modalities=tuple(sorted(found)))


def counted(peer: Peer, gate: Gate, study: Study) -> Study:
    """The study with its counts; where the source does not tell them, from its list."""
    if study.series is not None and study.instances is not None:
        return study
    try:
        gate.enter()
        listed = peer.inventory(study.uid)
    except (NotServed, Unavailable) as error:
        gate.suffered(error)
        return study
    except Refused as error:
        raise UserError(str(error)) from error
    series = len({one.series for one in listed.instances})
    return replace(study, series=series, instances=listed.said or len(listed.instances))
