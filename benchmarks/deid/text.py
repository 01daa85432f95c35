"""Reports as text: what is removed, what is left, what is lost (`python -m benchmarks.deid.text`).

The corpus is the synthetic hospital's (`imagehaven.synth.reports`). Work on the de-identifier
looks at ``--split dev`` and ``--split validation``, with ``--errors FILE`` for its misses; ``test``
and ``held`` (:mod:`benchmarks.deid.text_held`) are for measuring only and give no list of misses.
Behind a share stands its 95 % interval, which takes each identifier for a draw of its own; those of
one report are not quite that.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.deid.text_held import HELD, held_report
from benchmarks.deid.text_score import Score, add, wilson
from benchmarks.deid.text_systems import PEERS, Run, controls, in_turns, ours, peer
from benchmarks.measure import table
from imagehaven.synth.reports import CLINICAL_KINDS, IDENTIFIER_KINDS, SPLITS, Report, make_report


def scored(run: Run, reports: list[Report]) -> Score:
    """Return the score of a run."""
    score = Score()
    for report, removals in zip(reports, run.removals, strict=True):
        add(score, report, removals)
    return score


def percent(part: int | float, whole: int | float) -> str:
    """Return a share in per cent with two decimal places, a dash where there is no whole."""
    return f"{100 * part / whole:.2f}" if whole else "–"


def _all(part: Counter[str], whole: Counter[str]) -> str:
    return percent(sum(part.values()), sum(whole.values()))


def interval(part: int, whole: int) -> str:
    """Return a share in per cent with its 95 % interval: 98.21 (97.90 to 98.48)."""
    low, high = wilson(part, whole)
    return f"{percent(part, whole)} ({100 * low:.2f} to {100 * high:.2f})" if whole else "–"


def _all_interval(part: Counter[str], whole: Counter[str]) -> str:
    return interval(part.total(), whole.total())


def summary(runs: list[Run], scores: list[Score]) -> str:
    """Return the table of all systems."""
    rows = []
    for run, score in zip(runs, scores, strict=True):
        pairs = zip(runs[0].seconds, run.seconds, strict=False)
        rows.append(
            [
                run.name,
                _all_interval(score.found, score.entities),
                _all(score.tokens_found, score.tokens),
                interval(score.clean_reports, score.reports),
                _all(score.removed_rightly, score.removed),
                _all_interval(score.terms_lost, score.terms),
                percent(score.words_lost, score.words),
                f"{score.reports / statistics.median(run.seconds):,.0f}" if run.seconds else "–",
                f"{statistics.median(b / a for a, b in pairs):.2f}" if run.seconds else "–",
            ]
        )
    heading = [
        "system", "entities found %", "tokens found %", "reports without a miss %", "precision %",
        "clinical terms lost %", "other words lost %", "reports/s", "imagehaven is × as fast",
    ]  # fmt: skip
    return table(heading, rows)


def by_key(runs: list[Run], scores: list[Score], part: str, whole: str, keys: list[str]) -> str:
    """Return a table with a row for each key and a column for each system."""
    first = getattr(scores[0], whole)
    rows = [
        [
            key,
            f"{first[key]:,}",
            *(percent(getattr(s, part)[key], getattr(s, whole)[key]) for s in scores),
        ]
        for key in keys
        if first[key]
    ]
    return table(["", "number", *(run.name for run in runs)], rows)


def precision(score: Score) -> str:
    """Return the precision of one system by the kind that it gave, and what its tokens are."""
    rows = []
    for kind, count in score.removed.most_common():
        truly = Counter({true: n for (given, true), n in score.truly.items() if given == kind})
        parts = [f"{true or 'none'} {percent(n, count)}" for true, n in truly.most_common(6)]
        rows.append(
            [kind, f"{count:,}", percent(score.removed_rightly[kind], count), ", ".join(parts)]
        )
    return table(["removed as", "tokens", "that are identifiers %", "what they are, %"], rows)


def write_errors(score: Score, path: Path) -> None:
    """Write what was missed, lost and needlessly removed, the commonest first."""

    def around(report: Report, start: int, end: int) -> str:
        before, after = report.text[max(0, start - 45) : start], report.text[end : end + 30]
        return f"{before}«{report.text[start:end]}»{after}".replace("\n", "⏎")

    lines = ["# Missed identifiers"]
    lines += [
        f"{span.kind}\t{','.join(span.hard)}\t{report.key}\t{around(report, span.start, span.end)}"
        for report, span in sorted(score.missed, key=lambda item: item[1].kind)
    ]
    lines += ["", "# Clinical terms lost, by how often"]
    terms = Counter((span.kind, r.text[span.start : span.end].lower()) for r, span in score.lost)
    lines += [f"{count}\t{kind}\t{text!r}" for (kind, text), count in terms.most_common()]
    lines += ["", "# Words needlessly removed, by how often"]
    words = Counter((kind, r.text[start:end].lower()) for r, start, end, kind in score.needless)
    lines += [f"{count}\t{kind}\t{text!r}" for (kind, text), count in words.most_common()]
    lines += ["", "# Words needlessly removed, in their places"]
    lines += [f"{kind}\t{r.key}\t{around(r, s, e)}" for r, s, e, kind in score.needless[:1500]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=(*SPLITS, HELD), default="dev")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", type=Path, help="a folder for the peers' environments")
    parser.add_argument("--turns", type=int, default=3, help="how often each system is timed")
    parser.add_argument("--errors", type=Path, help="where to write our misses (not of test)")
    wish = parser.parse_args()
    if wish.errors and wish.split in {"test", HELD}:
        parser.error(f"{wish.split} is for measuring only; its misses are not written down")
    reports = [
        held_report(wish.seed, number)
        if wish.split == HELD
        else make_report(wish.seed, number, wish.split)
        for number in range(wish.count)
    ]
    systems: list[Callable[[], Run | None]] = [
        lambda: ours(reports, told=True),
        lambda: ours(reports, told=False),
    ]
    if wish.peers:
        folder = wish.peers.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        systems += [partial(peer, name, reports, folder, print) for name in PEERS]
    runs = in_turns(systems, wish.turns) + controls(reports)
    scores = [scored(run, reports) for run in runs]
    styles = len({report.style for report in reports})
    print(f"### Reports as text: {wish.count:,} of split {wish.split}, {styles} styles\n")
    print(summary(runs, scores))
    print("\nEntities found (%), by class\n")
    print(by_key(runs, scores, "found", "entities", list(IDENTIFIER_KINDS)))
    print("\nTokens found (%), by class\n")
    print(by_key(runs, scores, "tokens_found", "tokens", list(IDENTIFIER_KINDS)))
    print("\nEntities found (%), by hard case\n")
    print(by_key(runs, scores, "hard_found", "hard", sorted(scores[0].hard)))
    print("\nClinical terms lost (%), by kind\n")
    print(by_key(runs, scores, "terms_lost", "terms", list(CLINICAL_KINDS.values())))
    print(f"\nPrecision of {runs[0].name}, by the kind it gave\n")
    print(precision(scores[0]))
    if wish.errors:
        write_errors(scores[0], wish.errors)


if __name__ == "__main__":
    main()
