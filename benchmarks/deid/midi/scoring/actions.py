"""The actions that the public challenge scores on elements, in its own sense but for two points.

A removed text has failed when one of its words still stands in the value. The challenge counts any
substring, so that a pseudonym with an ``e`` in it fails an initial; here words of up to three
letters must stand alone. A retained text needs all of its words, whatever stands beside them;
numbers are compared as numbers. As in the challenge, a deleted element passes ``text_removed``,
``date_shifted``, ``uid_changed``, ``uid_consistent`` and ``patid_consistent``: see ``strict``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.deid.midi.corpus.key import Case, Check

_WORD = re.compile(r"[^\W_]+")
_SHORT = 3
# Words of a planted text that name nobody: titles, and what joins the words of an institution.
_STOP = {
    "a", "and", "at", "by", "for", "of", "on", "the", "to", "with", "dr", "mr", "mrs", "ms",
    "prof", "street", "road", "de", "van", "den",
}  # fmt: skip


@dataclass
class Consistency:
    """The first pseudonym that a run gave to each UID and patient id: all others must agree."""

    uids: dict[str, str] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)

    def learn(self, case: Case, here: Mapping[str, str]) -> None:
        """Take what an instance shows first."""
        for check in case.checks:
            now = here.get(check.place, "")
            if check.action == "uid_consistent" and now:
                self.uids.setdefault(check.value, now)
            elif check.action == "patid_consistent" and now:
                self.patients.setdefault(check.value, now)


def passes(check: Check, here: Mapping[str, str], known: Consistency) -> bool:
    """Whether the values of a released instance, by place, satisfy a check on an element."""
    present, now = check.place in here, here.get(check.place, "")
    verdicts: dict[str, Callable[[], bool]] = {
        "tag_retained": lambda: present,
        "text_notnull": lambda: bool(now),
        "text_retained": lambda: bool(now) and _retained(check.text, now),
        "text_removed": lambda: not still_there(check.text, now),
        "date_shifted": lambda: check.text not in now,
        "uid_changed": lambda: check.text != now,
        "uid_consistent": lambda: not now or now == known.uids.get(check.value, now),
        "patid_consistent": lambda: not now or now == known.patients.get(check.value, now),
    }
    return verdicts[check.action]()


def still_there(secret: str, now: str) -> bool:
    """Whether a word of an identifier stands in a value."""
    lowered = now.casefold()
    words = set(_WORD.findall(lowered))
    return any(
        (word in words) if len(word) <= _SHORT else (word in lowered) for word in _words(secret)
    )


def _retained(text: str, now: str) -> bool:
    numbers, others = _numbers(text), _numbers(now)
    if numbers is not None and others is not None:
        return numbers == others
    have = set(_WORD.findall(now.casefold()))
    return all(word in have for word in _WORD.findall(text.casefold()))


def _numbers(text: str) -> list[float] | None:
    parts = text.strip("[]").replace("'", "").replace("\\", ",").split(",")
    try:
        return [float(part) for part in parts]
    except ValueError:
        return None


def _words(secret: str) -> Iterable[str]:
    words = [word for word in _WORD.findall(secret.casefold()) if word not in _STOP]
    # A number written in groups is gone when it can't be read as one; its last digit alone is none.
    return [word for word in words if len(word) > 1] or words
