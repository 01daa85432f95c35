"""Technical values are kept for their words, and nobody's name is one."""

from __future__ import annotations

from importlib.resources import files

import pytest

from imagehaven.deidentify.rulebook.technical import Technical

# Modalities, kernels, scanners and colours, whose names people bear too.
_ALSO_NAMES = {
    "ann",
    "black",
    "dixon",
    "gray",
    "green",
    "iris",
    "low",
    "main",
    "max",
    "sharp",
    "small",
    "smart",
    "swan",
    "white",
}


def _names() -> set[str]:
    folder = files("imagehaven.verify.detect") / "data"
    texts = [(folder / f"names_{kind}.txt").read_text("utf-8") for kind in ("given", "family")]
    lines = (line for text in texts for line in text.splitlines() if not line.startswith("#"))
    return {word for line in lines for word in line.split()}


@pytest.fixture(scope="module", name="technical")
def _technical() -> Technical:
    return Technical.load()


def test_no_common_name_is_a_technical_word(technical: Technical) -> None:
    assert technical.words & _names() <= _ALSO_NAMES


@pytest.mark.parametrize(
    "text",
    [
        "GE MEDICAL SYSTEMS",
        "SOMATOM Definition AS+",
        "*epfid2d1_64",
        "V3.51*P25",
        "DR-ID 300CL APL Software V7.4.0017",
        "ReferencedSegmentNumber",
        "MONOCHROME2",
        "RTSTRUCT",
        "150000",
        "https://github.com/fedorov/dcmqi.git",
        "",
    ],
)
def test_what_scanners_write_is_known(technical: Technical, text: str) -> None:
    assert technical.knows(text)


@pytest.mark.parametrize(
    "text",
    [
        "MACFARLANE",
        "Ian",
        "V1 by Amy",
        "4100296",
        "410029",
        "fedorov dcmqi",
        "se2macfarlane",
        "Avanto\u00e9",
    ],
)
def test_names_and_long_numbers_are_not(technical: Technical, text: str) -> None:
    assert not technical.knows(text)
