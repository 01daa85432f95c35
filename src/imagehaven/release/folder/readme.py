"""The README that goes with a release, for the researcher who opens the folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from imagehaven.release.folder import layout
from imagehaven.release.records import Count
from imagehaven.release.states import MEANINGS, State
from imagehaven.release.terms import Terms

#: What dates mean, by the profile's option (PS3.15 Table E.1-1).
_DATES: Final = {
    "retain_longitudinal_modified_dates": (
        "Every date of a patient is moved earlier by one and the same number of days, which "
        "differs from patient to patient and is known to nobody outside the data provider. "
        "Intervals within a patient are true; calendar dates, seasons and intervals between "
        "patients are not. Times of day are kept with their dates."
    ),
    "retain_longitudinal_full_dates": "Dates are the real ones.",
}
_NO_DATES: Final = (
    "Dates and times are removed or replaced by fixed dummies: they carry no information."
)


def readme(
    label: str, terms: Terms, options: Collection[str], counts: Sequence[Count], size: int
) -> str:
    """The text of README.md; ``size`` is in bytes and covers the images."""
    released = sum(count.count for count in counts if count.state == State.RELEASED)
    asked = sum(count.count for count in counts)
    dates = next((text for option, text in _DATES.items() if option in options), _NO_DATES)
    parts = [
        f"# Release {label}",
        f"De-identified medical images for project {terms.project}: cohort {terms.cohort}, version "
        f"{terms.version}. The cohort asked for {asked} instances; {released} are here "
        f"({size / 1e6:.1f} MB).",
        "## What is here",
        _table(
            ("", ""),
            [
                (f"`{layout.IMAGES}/`", "DICOM files, by pseudonym, study and series"),
                (f"`{layout.METADATA}/`", "one row for each image, as CSV and Parquet"),
                (f"`{layout.DICTIONARY}`", "what each column of the metadata means"),
                (f"`{layout.REPORTS}/`", "what was asked for and not released, and why"),
                (f"`{layout.MANIFEST}`", "every file with its SHA-256, and how it was made"),
                (f"`{layout.SUMS}`", f"the same for `sha256sum -c {layout.SUMS}`"),
            ],
        ),
        "## Images by modality",
        _table(("modality", "released"), sorted(_by_modality(counts).items())),
        "## What was not released",
        _table(
            ("state", "instances", "meaning"),
            [
                (state, number, MEANINGS[state])
                for state, number in _by_state(counts).items()
                if state != State.RELEASED
            ],
        )
        + f"\n\nReasons and counts are in `{layout.REPORTS}/`.",
        "## How it was de-identified",
        f"By the profile `{terms.profile_name}` of imagehaven "
        f"{terms.versions.get('imagehaven', '')}: the DICOM Basic Application Level "
        "Confidentiality Profile (PS3.15 Annex E)"
        + (f" with the options {', '.join(sorted(options))}" if options else "")
        + ". An element that no rule knows to be safe is not here. A second pass, which shares no "
        "decision with the first, looked for identifiers in every file and found none.\n\n"
        "Pseudonyms and UIDs are made with the project's key. They are the same in every release "
        "of this project, and cannot be compared with those of another.",
        "## What dates mean",
        dates,
        *_anonymity(terms),
        "## How to cite it",
        f"Name the release `{label}` and the SHA-256 of `{layout.MANIFEST}`, which stands in the "
        f"last line of `{layout.SUMS}`. The data provider can make the same release again from "
        "these two.",
        "## If you find a person's details",
        "Do not copy or share the file. Tell the data provider its path in this folder.",
    ]
    return "\n\n".join(parts) + "\n"


def _by_modality(counts: Sequence[Count]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for count in counts:
        if count.state == State.RELEASED:
            found[count.modality or "unknown"] = (
                found.get(count.modality or "unknown", 0) + count.count
            )
    return found


def _by_state(counts: Sequence[Count]) -> Mapping[State, int]:
    return {state: sum(c.count for c in counts if c.state == state) for state in State}


def _anonymity(terms: Terms) -> tuple[str, ...]:
    if not terms.k:
        return ()
    return (
        "## Rare combinations",
        f"No combination of {', '.join(terms.quasi_identifiers)} stands here for fewer than "
        f"{terms.k} patients. How coarse each of them is for that, and how large the classes are, "
        f"is in `{layout.REPORTS}/k_anonymity.csv` and `{layout.REPORTS}/class_sizes.csv`.",
    )


def _table(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(heading)} |", "|" + " --- |" * len(heading)]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)
