"""Scores as Markdown, and failures grouped by kind for those who mend them."""

from __future__ import annotations

from collections import Counter, defaultdict

from benchmarks.deid.midi.corpus.build import Corpus
from benchmarks.deid.midi.corpus.key import ACTIONS
from benchmarks.deid.midi.scoring.outcome import Judged, Score
from benchmarks.deid.midi.scoring.strict import CHECKS
from benchmarks.measure import table


def markdown(corpus: Corpus, scores: list[Score]) -> str:
    """All tables of one run of the benchmark."""
    total = sum(len(case.checks) for case in corpus.cases)
    real = sum(case.origin == "real" for case in corpus.cases)
    head = (
        f"{len(corpus.cases)} instances ({real} real files, {len(corpus.cases) - real} of the "
        f"synthetic hospital), {total:,} required actions, "
        f"{sum(len(case.secrets) for case in corpus.cases):,} distinctive identifiers, "
        f"{sum(len(case.burned) for case in corpus.cases):,} burned-in texts."
    )
    parts = [head, _overall(scores), _by_action(scores), _stricter(scores), _refused(scores)]
    return "\n\n".join(part for part in parts if part)


def _overall(scores: list[Score]) -> str:
    rows = [
        [
            score.run.name,
            percent(score.share),
            percent(score.share_of_all),
            f"{len({id(case) for case, _ in score.survivors})} / {len(score.survivors)}",
            percent(score.strict_share),
            f"{len(score.run.released)}",
            f"{len(score.run.refused)}",
            f"{score.run.seconds:.0f}",
        ]
        for score in scores
    ]
    heading = [
        "", "correct actions, released", "correct actions, refused count as wrong",
        "files with / identifiers surviving", "stricter checks", "released", "refused", "seconds",
    ]  # fmt: skip
    return table(heading, rows)


def _by_action(scores: list[Score]) -> str:
    rows = []
    for action in ACTIONS:
        row = [f"`{action}`"]
        for score in scores:
            row.append(_fraction([one for one in score.judged if one.check.action == action]))
        rows.append(row)
    return table(["action", *(score.run.name for score in scores)], rows)


def _stricter(scores: list[Score]) -> str:
    rows = []
    for name in CHECKS:
        row = [f"`{name}`"]
        for score in scores:
            row.append(_fraction([one for one in score.strict if one.check.action == name]))
        rows.append(row)
    shares = [percent(score.blanked) for score in scores]
    rows.append(["pixels changed outside the boxes, mean of pictures with text", *shares])
    return table(["stricter check", *(score.run.name for score in scores)], rows)


def _refused(scores: list[Score]) -> str:
    lines = []
    for score in scores:
        reasons = Counter(score.run.refused.values()).most_common()
        if reasons:
            told = ", ".join(f"{reason} {count}" for reason, count in reasons)
            lines.append(f"- {score.run.name} refused: {told}.")
        if score.run.note:
            lines.append(f"- {score.run.name}: {score.run.note}")
    return "\n".join(lines)


def failures(score: Score) -> str:
    """Failures of one run, grouped by action, kind and place, with examples: made-up values."""
    groups: dict[tuple[str, str, str], list[Judged]] = defaultdict(list)
    for one in [*score.judged, *score.strict]:
        if not one.passed:
            groups[one.check.action, one.check.kind, one.check.place].append(one)
    lines = []
    for (action, kind, place), those in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        lines.append(f"{len(those):5} {action} [{kind}] {place}")
        for one in those[:3]:
            lines.append(
                f"        {one.case.file} {one.case.modality}: wanted {one.check.text[:70]!r}, "
                f"source {one.check.value[:70]!r}, now {one.now[:70]!r}"
            )
    for case, secret in score.survivors:
        lines.append(f"SURVIVED {case.file} {case.modality}: {secret!r}")
    return "\n".join(lines)


def _fraction(judged: list[Judged]) -> str:
    if not judged:
        return "–"
    passed = sum(one.passed for one in judged)
    return f"{percent(passed / len(judged))} ({passed}/{len(judged)})"


def percent(share: float) -> str:
    """Two decimals, never rounded up to a hundred."""
    return f"{int(share * 10000) / 100:.2f} %"
