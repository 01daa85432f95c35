"""Runs one peer over a corpus, inside the peer's own environment: no import of imagehaven.

``python text_peer.py PEER REPORTS.jsonl OUT.json`` writes the seconds it took, once loaded, and
for each report the spans that the peer removes, as [start, end, kind].
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Spans = list[tuple[int, int, str]]
Report = dict[str, Any]
Clean = Callable[[list[Report]], list[Spans]]


def each(clean: Callable[[Report], Spans]) -> Clean:
    """Return a peer that works one report at a time as one that works on a list."""
    return lambda reports: [clean(report) for report in reports]


def presidio(*, known: bool) -> Clean:
    """Presidio's analyzer with its shipped recognisers; its spaCy model is not on PyPI."""
    import spacy  # type: ignore[import-not-found]
    import tldextract  # type: ignore[import-not-found]
    from presidio_analyzer import AnalyzerEngine, PatternRecognizer  # type: ignore
    from presidio_analyzer.nlp_engine import SpacyNlpEngine  # type: ignore

    logging.disable(logging.CRITICAL)
    offline = tldextract.TLDExtract(suffix_list_urls=())
    tldextract.extract = tldextract.tldextract.extract = offline

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
            self.nlp = {"en": spacy.blank("en")}

        def load(self) -> None:
            """The blank pipeline is loaded already."""

    engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])

    def clean(report: Report) -> Spans:
        own = []
        if known:
            own = [PatternRecognizer(supported_entity="KNOWN", deny_list=known_values(report))]
        found = engine.analyze(report["text"], language="en", ad_hoc_recognizers=own)
        return [(item.start, item.end, item.entity_type) for item in found]

    return each(clean)


def known_values(report: Report) -> list[str]:
    """Return what the record system knows of a report's people, as words to look for."""
    patient = report["known"]["patient"]
    listed = [value for value in patient.values() if isinstance(value, str)]
    listed += [*patient["phones"], *patient["emails"]]
    for name in report["known"]["staff"]:
        listed += [name, name.split(" ")[-1]]
    listed += report["known"]["institutions"] + report["known"]["identifiers"]
    return [value for value in dict.fromkeys(listed) if value]


def scrubadub() -> Clean:
    """Return scrubadub with the detectors that it has by default for Great Britain."""
    import scrubadub as library  # type: ignore[import-not-found]

    scrubber = library.Scrubber(locale="en_GB")

    def clean(report: Report) -> Spans:
        found = scrubber.iter_filth(report["text"])
        return [(item.beg, item.end, item.detector_name or "filth") for item in found]

    return each(clean)


def philter() -> Clean:
    """Philter (UCSF) with its shipped configuration.

    NLTK's tagger model is not on PyPI: a word with a capital counts as a proper noun, digits as a
    number, all else as a noun. Philter guesses the encoding of its files; it is told here. Its
    patterns have flags where Python 3.11 wants none; they are moved to the front.
    """
    import nltk  # type: ignore[import-not-found]
    import philter_ucsf  # type: ignore[import-not-found]
    from philter_ucsf.philter import Philter  # type: ignore[import-not-found]

    def tag(words: list[str]) -> list[tuple[str, str]]:
        kinds = ("CD" if w[:1].isdigit() else "NNP" if w[:1].isupper() else "NN" for w in words)
        return list(zip(words, kinds, strict=True))

    nltk.pos_tag = tag
    Philter.detect_encoding = lambda self, path: {"encoding": "utf-8"}
    Philter.precompile = lambda self, path: flags_first(Path(path).read_text(encoding="utf-8"))
    os.chdir(Path(philter_ucsf.__file__).parent)
    return philter_folder


def philter_folder(reports: list[Report]) -> list[Spans]:
    """Run Philter over a folder of notes, as it is meant to be."""
    from philter_ucsf.philter import Philter

    place = Path(tempfile.mkdtemp())
    notes, out = place / "notes", place / "out"
    notes.mkdir()
    out.mkdir()
    for number, report in enumerate(reports):
        (notes / f"{number}.txt").write_text(report["text"], encoding="utf-8", newline="")
    wish = {
        "verbose": False, "run_eval": False, "outformat": "asterisk", "cachepos": None,
        "filters": "configs/philter_delta.json", "finpath": f"{notes}/", "foutpath": f"{out}/",
    }  # fmt: skip
    run = Philter(wish)
    run.map_coordinates()
    run.transform()
    return [
        list(masked(report["text"], (out / f"{number}.txt").read_text(encoding="utf-8")))
        for number, report in enumerate(reports)
    ]


def flags_first(pattern: str) -> re.Pattern[str]:
    """Return a compiled pattern whose ``(?i)`` may stand anywhere."""
    flag = "(?i)"
    pattern = pattern.strip()
    return re.compile((flag if flag in pattern else "") + pattern.replace(flag, ""))


def masked(text: str, cleaned: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a text of the same length has asterisks that the original has not."""
    if len(text) != len(cleaned):
        raise ValueError("the peer changed the length of the text")
    pairs = zip(text, cleaned, strict=True)
    changed = [after == "*" and before != "*" for before, after in pairs]
    for value, places in itertools.groupby(range(len(text)), key=lambda place: changed[place]):
        if value:
            listed = list(places)
            yield listed[0], listed[-1] + 1, "masked"


def dataprofiler() -> Clean:
    """Capital One's DataProfiler: a character network whose weights are in its wheel."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import dataprofiler as library  # type: ignore[import-not-found]

    labeler = library.DataLabeler(labeler_type="unstructured")
    labeler.set_params({"postprocessor": {"output_format": "NER", "use_word_level_argmax": True}})

    def clean(report: Report) -> Spans:
        (found,) = labeler.predict([report["text"]])["pred"]
        return [(int(s), int(e), str(kind)) for s, e, kind in found if kind not in IGNORED]

    return each(clean)


IGNORED = {"UNKNOWN", "INTEGER", "FLOAT", "QUANTITY", "ORDINAL", "TIME", "PAD"}

PEERS: dict[str, Callable[[], Clean]] = {
    "presidio": lambda: presidio(known=False),
    "presidio-known": lambda: presidio(known=True),
    "scrubadub": scrubadub,
    "philter": philter,
    "dataprofiler": dataprofiler,
}


def main() -> None:
    """Run the peer named by the arguments."""
    peer, source, target = sys.argv[1:4]
    source, target = str(Path(source).resolve()), str(Path(target).resolve())
    lines = Path(source).read_text(encoding="utf-8").splitlines()
    reports = [json.loads(line) for line in lines]
    clean = PEERS[peer]()
    clean(reports[:1])
    begun = time.perf_counter()
    spans = clean(reports)
    told = {"seconds": time.perf_counter() - begun, "spans": spans}
    Path(target).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
