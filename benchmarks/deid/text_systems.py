"""The systems that are measured: ours, two controls, and peers in environments of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.deid.text_score import Removal
from imagehaven.deidentify.text import CleanedText, KnownPeople, clean_text
from imagehaven.synth.reports import Report

#: Each peer's name in text_peer.py: how the tables call it, and what pip installs for it.
PEERS = {
    "presidio": ("Presidio", "presidio-analyzer==2.2.366"),
    "presidio-known": ("Presidio, told the known", "presidio-analyzer==2.2.366"),
    "philter": ("Philter", "philter-ucsf==1.0.3 nltk==3.10.4 chardet numpy==2.4.6"),
    "scrubadub": ("scrubadub", "scrubadub==2.0.1"),
    "dataprofiler": ("DataProfiler", "DataProfiler[ml]==0.14.0"),
}


@dataclass(frozen=True)
class Run:
    """What a system removed from each report, in order, and the seconds for all, turn by turn."""

    name: str
    removals: list[list[Removal]]
    seconds: tuple[float, ...] = ()


def known_people(report: Report) -> KnownPeople:
    """Return what the record system knows, as the de-identifier takes it."""
    patient = report.known["patient"]
    names = [
        f"{patient['family']}^{patient['given']}^{patient['middle']}",
        f"{patient['former']}^{patient['given']}",
        *report.known["staff"],
    ]
    numbers = [patient["chi"], patient["nhs"], *patient["phones"], *patient["emails"]]
    places = [patient["address"], patient["postcode"], patient["town"]]
    return KnownPeople.of(
        names=[name for name in names if not name.startswith("^")],
        identifiers=[*numbers, *report.known["identifiers"]],
        places=[*places, *report.known["institutions"]],
    )


def controls(reports: list[Report]) -> list[Run]:
    """Return a system that removes nothing and one that removes everything."""
    everything: list[list[Removal]] = [[(0, len(report.text), "text")] for report in reports]
    return [
        Run("nothing removed", [[] for _ in reports]),
        Run("everything removed", everything),
    ]


def in_turns(systems: list[Callable[[], Run | None]], turns: int) -> list[Run]:
    """Return each system's run with its seconds in every turn; all are run once in each turn.

    A system that fails (None) is left out and not tried again.
    """
    runs: dict[int, Run] = {}
    for turn in range(turns):
        for place, system in enumerate(systems):
            if turn and place not in runs:
                continue
            run = system()
            if run is None:
                runs.pop(place, None)
                continue
            before = runs[place].seconds if turn else ()
            runs[place] = replace(run, seconds=before + run.seconds)
    return [runs[place] for place in sorted(runs)]


def ours(reports: list[Report], *, told: bool) -> Run:
    """Return our run, with or without what the record system knows.

    Raises ValueError where the offsets that we report do not give the text that we return.
    """
    known = [known_people(report) if told else KnownPeople() for report in reports]
    clean_text(reports[0].text, known[0])
    begun = time.perf_counter()
    cleaned = [clean_text(r.text, people) for r, people in zip(reports, known, strict=True)]
    seconds = time.perf_counter() - begun
    for report, one in zip(reports, cleaned, strict=True):
        if spliced(report.text, one) != one.text:
            raise ValueError(f"{report.key}: the offsets do not give the cleaned text")
    removals = [[(r.start, r.end, str(r.kind)) for r in one.removed] for one in cleaned]
    return Run(f"imagehaven, {'told the known' if told else 'told nothing'}", removals, (seconds,))


def spliced(text: str, cleaned: CleanedText) -> str:
    """Return a text with every removal put in its place."""
    parts, place = [], 0
    for removed in sorted(cleaned.removed, key=lambda removed: removed.start):
        parts += [text[place : removed.start], removed.replacement]
        place = removed.end
    return "".join(parts) + text[place:]


def peer(name: str, reports: list[Report], folder: Path, say: Callable[[str], None]) -> Run | None:
    """Return a peer's run, or None after saying why it could not be run.

    ``folder`` keeps the peers' environments, made where they are missing, and what passes between.
    """
    title, wanted = PEERS[name]
    python = folder / wanted.split("=")[0].split("[")[0] / "bin" / "python"
    source, target = folder / "reports.jsonl", folder / f"{name}.json"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
            pip = [python, "-m", "pip", "install", "--quiet", *wanted.split()]
            subprocess.run(pip, check=True, capture_output=True, timeout=1800)
        source.write_text("".join(f"{r.json_line()}\n" for r in reports), encoding="utf-8")
        script = Path(__file__).with_name("text_peer.py")
        command = [python, "-W", "ignore", script, name, source, target]
        subprocess.run(command, check=True, capture_output=True, timeout=3600)
    except (subprocess.SubprocessError, OSError) as error:
        output = getattr(error, "stderr", None) or b""
        last = output.decode(errors="replace").strip().splitlines()[-1:]
        say(f"{title} could not be run: {type(error).__name__} {' '.join(last)}")
        return None
    told = json.loads(target.read_text(encoding="utf-8"))
    removals = [[(s, e, str(kind)) for s, e, kind in spans] for spans in told["spans"]]
    return Run(title, removals, (told["seconds"],))
