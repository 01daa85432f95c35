"""What befalls a whole report: broken lines, capitals, words of dictation, a bad scanner."""

from __future__ import annotations

import re
from random import Random

from imagehaven.synth.reports.annotated import Annotated
from imagehaven.synth.reports.wordlists import shares

_MISREAD = {
    "l": "1", "1": "l", "0": "O", "O": "0", "5": "S", "S": "5", "8": "B", "B": "8", "e": "c",
    "h": "b", "m": "rn", "I": "l", "u": "ii", "g": "q", "'": "`", ",": ".", "i": "í",
}  # fmt: skip


def wrapped(report: Annotated, column: int) -> Annotated:
    """Return the report with lines broken at the last space before a column."""
    letters, start, space = list(report.text), 0, -1
    for place, letter in enumerate(report.text):
        if letter == "\n":
            start, space = place + 1, -1
        elif letter == " ":
            space = place
        if place - start >= column and space > start:
            letters[space] = "\n"
            start, space = space + 1, -1
    return report.rewritten(letters, "broken-over-lines")


def upper(report: Annotated) -> Annotated:
    """Return the report in capitals, as a teletype prints it."""
    return report.rewritten([letter.upper() for letter in report.text], "all-capitals")


def dictated(report: Annotated, rng: Random) -> Annotated:
    """Return the report with some punctuation spoken: full stop, comma, new paragraph."""
    letters = list(report.text)
    for match in re.finditer(r"(?<=[a-z])([.,])(?= [A-Z]|\n)|(?<=\.)\n\n", report.text):
        inside = any(span.start <= match.start() < span.end for span in report.spans)
        if inside or rng.random() > 0.5:
            continue
        spoken = {".": " full stop", ",": " comma", "\n": " new paragraph "}[match[0][0]]
        for place in range(match.start(), match.end()):
            letters[place] = ""
        letters[match.start()] = spoken
    return report.rewritten(letters, "dictated")


def scanned(report: Annotated, rng: Random) -> Annotated:
    """Return the report as an old scanner read it: letters misread, spaces lost."""
    drawn = shares()["ocr"]
    letters = list(report.text)
    for place, letter in enumerate(letters):
        if letter in _MISREAD and rng.random() < drawn["letters"] * 3:
            letters[place] = _MISREAD[letter]
        elif letter == " " and rng.random() < drawn["spaces"]:
            letters[place] = ""
    return report.rewritten(letters, "scanned")


def befallen(report: Annotated, drawn: dict[str, float], rng: Random) -> Annotated:
    """Return the report with what befalls it by the shares ``drawn``."""
    if rng.random() < drawn["dictated"]:
        report = dictated(report, rng)
    if rng.random() < drawn["scanned"]:
        report = scanned(report, rng)
    if rng.random() < drawn["upper-case"]:
        report = upper(report)
    if rng.random() < drawn["wrapped"]:
        report = wrapped(report, rng.choice((56, 64, 72, 80)))
    return report
