"""Templates: plain text with rules, choices, numbers, identifiers and marked clinical terms.

{a|b|}          one of some texts, the last of them empty here
{findings}      one of the texts of the rule `findings`
{findings*3-5}  three to five different ones, with a space between
{findings+3-5}  the same, a line each
{n:3-40}        a whole number; {f:1.2-9.8} one with a decimal place
{patient:full}  an identifier, asked of the voice
[a:left hilum]  a clinical term; the letter is a key of CLINICAL_KINDS, templates may be inside
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from imagehaven.errors import TerminalError
from imagehaven.synth.reports.annotated import CLINICAL_KINDS, Draft, Piece

_TOKEN = re.compile(r"\{([^{}]*)\}|\[([a-z]):|(\])")
_NUMBER = re.compile(r"([nf]):([\d.]+)-([\d.]+)")
_SEVERAL = re.compile(r"(\w+)([*+])(\d+)-(\d+)")

Rules = Mapping[str, Sequence[str]]


class Voice(Protocol):
    """Who can say identifiers."""

    def say(self, token: str) -> list[Piece]:
        """Return the pieces of a token such as ``patient:full``; KeyError where unknown."""
        ...


@dataclass(frozen=True)
class Grammar:
    """Rules, a voice and the chance of one report."""

    rules: Rules
    voice: Voice
    rng: Random

    def write(self, template: str, draft: Draft) -> None:
        """Write a template at the end of a draft.

        Raises TerminalError where a token is unknown or a bracket is open.
        """
        place, opened = 0, list[tuple[str, int]]()
        for match in _TOKEN.finditer(template):
            draft.put(Piece(template[place : match.start()]))
            place = match.end()
            if match[2]:
                opened.append((_clinical(match[2], template), len(draft.text)))
            elif match[3]:
                if not opened:
                    raise TerminalError(f"synth/reports: ] without [ in {template!r}")
                kind, start = opened.pop()
                draft.mark(start, kind)
            else:
                self._token(match[1], draft, template)
        if opened:
            raise TerminalError(f"synth/reports: [ without ] in {template!r}")
        draft.put(Piece(template[place:]))

    def _token(self, token: str, draft: Draft, template: str) -> None:
        if "|" in token:
            self.write(self.rng.choice(token.split("|")), draft)
        elif number := _NUMBER.fullmatch(token):
            draft.put(Piece(self._number(number[1], number[2], number[3])))
        elif several := _SEVERAL.fullmatch(token):
            self._several(several, draft, template)
        elif token in self.rules:
            self.write(self.rng.choice(self.rules[token]), draft)
        else:
            try:
                pieces = self.voice.say(token)
            except KeyError:
                raise TerminalError(f"synth/reports: no token {token!r}: {template!r}") from None
            for piece in pieces:
                draft.put(piece)

    def _number(self, kind: str, low: str, high: str) -> str:
        if kind == "n":
            return str(self.rng.randint(int(low), int(high)))
        return f"{self.rng.uniform(float(low), float(high)):.1f}"

    def _several(self, several: re.Match[str], draft: Draft, template: str) -> None:
        name, low, high = several[1], int(several[3]), int(several[4])
        if name not in self.rules:
            raise TerminalError(f"synth/reports: no rule {name!r}: {template!r}")
        choices = self.rules[name]
        wanted = min(self.rng.randint(low, high), len(choices))
        for turn, choice in enumerate(self.rng.sample(list(choices), wanted)):
            draft.put(Piece("" if turn == 0 else "\n" if several[2] == "+" else " "))
            self.write(choice, draft)


def _clinical(letter: str, template: str) -> str:
    if letter not in CLINICAL_KINDS:
        raise TerminalError(f"synth/reports: no clinical kind {letter!r}: {template!r}")
    return CLINICAL_KINDS[letter]
