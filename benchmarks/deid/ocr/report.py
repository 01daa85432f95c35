"""The tables of the benchmark, and the list of misses for those who train."""

from __future__ import annotations

import statistics
from collections import Counter

from benchmarks.deid.ocr.scoring import TELLING, Score, keys
from benchmarks.measure import table

MIX = {"CR/DX": 0.35, "US": 0.25, "SC": 0.15, "CT": 0.15, "MR": 0.1}
"""Shares of modalities among frames that are searched: most CT and MR needs no search."""
GROUPS = ("size", "contrast", "turned", "polarity", "modality", "photometric", "length", "says",
          "face", "background")  # fmt: skip
_TELLING = f"legible says: {TELLING}"


def tables(scores: dict[str, Score]) -> str:
    """Return all tables as Markdown."""
    parts = [_summary(scores), "\nStrings covered, by kind (legible strings in brackets)\n"]
    parts += [
        _by_kind(scores),
        "\nNeedless area of frames without text (mean, %), nothing drawn on them\n",
    ]
    parts += [_in_vain(scores), "\nProcessor milliseconds per frame, one thread\n", _times(scores)]
    return "\n".join(parts)


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def _summary(scores: dict[str, Score]) -> str:
    rows = []
    mine = _mixed(next(iter(scores.values())))
    for name, score in scores.items():
        vain = [share for values in score.in_vain.values() for share in values]
        spent = _mixed(score)
        rows.append(
            [
                name,
                _share(score.covered["legible"], score.strings["legible"]),
                _share(score.covered[_TELLING], score.strings[_TELLING]),
                _share(score.covered["all"], score.strings["all"]),
                f"{100 * statistics.mean(vain):.2f}" if vain else "–",
                _share(sum(share > 0 for share in vain), len(vain)),
                f"{100 * statistics.mean(score.beside):.2f}" if score.beside else "–",
                f"{spent:.0f}" if spent else "–",
                f"{spent / mine:.2f}" if spent and mine else "–",
            ]
        )
    one = next(iter(scores.values()))
    heading = [
        "system", f"legible strings covered (of {one.strings['legible']:,})",
        f"the same but for lone L and R (of {one.strings[_TELLING]:,})",
        f"all strings covered (of {one.strings['all']:,})",
        "needless area of frames without text %", "frames without text that are touched",
        "needless area beside strings %", "ms per frame of the mix", "× our time",
    ]  # fmt: skip
    return table(heading, rows)


def _by_kind(scores: dict[str, Score]) -> str:
    first = next(iter(scores.values()))
    rows = []
    for group in GROUPS:
        for key in sorted(key for key in first.strings if key.startswith(f"{group}: ")):
            cells = [
                f"{_share(score.covered[key], score.strings[key])} "
                f"({_share(score.covered[f'legible {key}'], score.strings[f'legible {key}'])})"
                for score in scores.values()
            ]
            rows.append([key, f"{first.strings[key]:,}", *cells])
    return table(["", "strings", *scores], rows)


def _in_vain(scores: dict[str, Score]) -> str:
    first = next(iter(scores.values()))
    rows = [
        [modality, str(len(first.in_vain[modality])),
         *(f"{100 * statistics.mean(score.in_vain[modality]):.2f}" for score in scores.values())]
        for modality in sorted(first.in_vain)
    ]  # fmt: skip
    return table(["modality", "frames", *scores], rows)


def _times(scores: dict[str, Score]) -> str:
    first = next(iter(scores.values()))
    rows = [
        [modality, str(len(first.times[modality])),
         *(f"{statistics.median(score.times[modality]):.0f}" for score in scores.values())]
        for modality in sorted(first.times)
    ]  # fmt: skip
    told = ", ".join(f"{name} {share:.2f}" for name, share in MIX.items())
    rows.append([f"the mix ({told})", "", *(f"{_mixed(score):.0f}" for score in scores.values())])
    return table(["median of", "frames", *scores], rows)


def _mixed(score: Score) -> float:
    """Return the milliseconds of a frame of the mix, from the modalities that were measured."""
    known = {name: share for name, share in MIX.items() if score.times.get(name)}
    total = sum(known.values())
    if not total:
        return 0.0
    spent = (share * statistics.median(score.times[name]) for name, share in known.items())
    return sum(spent) / total


def misses(score: Score) -> str:
    """Return what was missed: how much of each kind, then each string with its place."""
    counts = Counter(key for picture, one, _ in score.missed for key in keys(picture, one))
    lines = ["# Misses by kind: missed, of, share missed"]
    lines += [
        f"{key}\t{count}\t{score.strings[key]}\t{count / score.strings[key]:.3f}"
        for key, count in sorted(counts.items())
    ]
    lines += ["", "# Needless: modality, share of the area of each frame without text"]
    lines += [
        f"{name}\t{' '.join(f'{share:.3f}' for share in values)}"
        for name, values in sorted(score.in_vain.items())
    ]
    lines += ["", "# Each: legible, modality, photometric, size, contrast, turn, polarity, face,"]
    lines += ["# share covered, text, file, picture, box (left, top, right, bottom)"]
    order = sorted(score.missed, key=lambda m: (not m[1].legible, m[0].background.modality))
    for picture, one, share in order:
        box = (one.columns.start, one.rows.start, one.columns.stop, one.rows.stop)
        lines.append(
            f"{'LEGIBLE' if one.legible else '-'}\t{picture.background.modality}\t"
            f"{picture.photometric}\t{one.size}\t{one.contrast}\t{one.orientation}\t"
            f"{'bright' if one.bright else 'dark'}\t{one.face}\t{share:.2f}\t{one.text}\t"
            f"{picture.background.name}\t{picture.number}\t{box}"
        )
    return "\n".join(lines) + "\n"
