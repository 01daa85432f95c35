"""Clean a data set, element by element and to any depth, into a new one.

Nothing is edited in place: an element reaches the result only because a rule put it there. Values
stay bytes from end to end, so what is kept is kept exactly, and nothing is re-interpreted on the
way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imagehaven.deidentify.elements.dates import study_day
from imagehaven.deidentify.elements.guard import watch
from imagehaven.deidentify.elements.identity import Identity
from imagehaven.deidentify.elements.private import Kept, safe_elements
from imagehaven.deidentify.elements.statement import method_statement
from imagehaven.deidentify.elements.stored import Element, stored, tags, text_of
from imagehaven.deidentify.elements.value_actions import (
    CODE_VALUES,
    PATIENT_ID,
    PATIENT_NAME,
    Pass,
    apply,
    keep,
    stand_in,
)
from imagehaven.deidentify.elements.values import WIDTHS, count_values, element, join_text
from imagehaven.deidentify.elements.vr import is_signed, real_vr
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.rulebook.codes import standard_meaning
from imagehaven.deidentify.rulebook.iod import NEEDS_PLACE, NEEDS_VALUE
from imagehaven.deidentify.rulebook.layers import Context
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.rules import Decision, decide, entry
from imagehaven.deidentify.text import KnownPeople
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Withheld

_CODE_MEANING = 0x00080104
_REPEATING = (0x50, 0x60)  # curves and overlays: the groups of PS3.5 section 7.6
_STUDY_DATES = (0x00080020, 0x00080021, 0x00080022, 0x00080023)
_TIMES = ("DA", "DT", "TM")
_NOBODY = KnownPeople()
_PRIVATE_SEQUENCE = "PrivateSequence"  # no keyword of PS3.6: the Types in it are not known


@dataclass(frozen=True)
class Cleaned:
    """The new data set, what was done how often by action code, and the pseudonyms given."""

    dataset: Dataset
    actions: Mapping[str, int]
    mapping: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Place:
    """Where the walk is: ``masked`` inside a sequence that is replaced by a dummy."""

    context: Context
    top: bool = False
    masked: bool = False


def deidentify_dataset(
    source: Dataset,
    profile: Profile,
    pseudonyms: Pseudonyms,
    *,
    little: bool = True,
    denied: KnownPeople = _NOBODY,
) -> Cleaned:
    """Clean ``source`` (no file meta, no pixel data) under ``profile``; the source is not changed.

    ``little`` says in which byte order its values are, and the result's will be. ``denied`` is what
    must not stand anywhere, whoever it belongs to. Raises :class:`Withheld` ``value-too-large``
    when an element to keep is too large to be held.
    """
    with quiet_pydicom():
        return _deidentify(source, profile, pseudonyms, little, denied)


def context_of(source: Dataset) -> Context:
    """Return what the layers of a profile and the Types of an IOD are chosen by."""
    return Context(
        sop_class=text_of(source, 0x00080016),
        modality=text_of(source, 0x00080060),
        manufacturer=text_of(source, 0x00080070),
    )


def prepare(
    source: Dataset,
    profile: Profile,
    pseudonyms: Pseudonyms,
    *,
    little: bool = True,
    denied: KnownPeople = _NOBODY,
) -> Pass:
    """Return what every element of ``source`` is cleaned with."""
    identity = Identity.of(source)
    return Pass(
        profile,
        pseudonyms,
        identity,
        watch(source).with_people(denied),
        little,
        is_signed(source, little),
        pseudonyms.date_shift(identity.patient),
        source,
        study_day(text_of(source, tag) for tag in _STUDY_DATES),
        denied=denied,
    )


def _deidentify(
    source: Dataset, profile: Profile, pseudonyms: Pseudonyms, little: bool, denied: KnownPeople
) -> Cleaned:
    work = prepare(source, profile, pseudonyms, little=little, denied=denied)
    kept = _clean(source, work, top_of(work))
    kept.update(fixed_elements(work))
    result = Dataset(dict(sorted(kept.items())))
    given = work.given | fixed_pseudonyms(work)
    return Cleaned(result, dict(sorted((+work.counts).items())), tuple(sorted(given)))


def top_of(work: Pass) -> Place:
    """Return where the walk of a data set begins."""
    return Place(work.profile.normal(context_of(work.source)), top=True)


def fixed_elements(work: Pass) -> dict[BaseTag, Element]:
    """Return what stands in every data set, whatever its source has."""
    pseudonym = work.pseudonyms.patient_id(work.identity.patient)
    fixed = method_statement(work.profile, work.little)
    for tag, vr in ((PATIENT_NAME, "PN"), (PATIENT_ID, "LO")):
        fixed[BaseTag(tag)] = element(tag, vr, join_text([pseudonym], vr), work.little)
    return fixed


def fixed_pseudonyms(work: Pass) -> set[tuple[str, str, str]]:
    """Return what the vault is told of every data set of a patient."""
    patient = work.identity.patient
    told = {("PatientID", patient, work.pseudonyms.patient_id(patient))}
    if "retain_longitudinal_modified_dates" in work.profile.options:
        told.add(("DateShiftDays", patient, str(work.shift.days)))
    return told


def _clean(source: Dataset, work: Pass, place: Place) -> dict[BaseTag, Element]:
    """Return the elements of one data set or item that may be kept."""
    kept: dict[BaseTag, Element] = {}
    private: list[int] = []
    for tag in tags(source):
        group = tag >> 16
        if group % 2:
            private.append(tag)
            continue
        if group < 8 or tag & 0xFFFF == 0 or group >> 8 in _REPEATING:
            work.counts["X"] += 1
            continue
        cleaned = clean_element(source, tag, work, place)
        if cleaned is not None:
            kept[BaseTag(tag)] = cleaned
    if "retain_safe_private" in work.profile.options and not place.masked:
        kept.update(_private(source, private, work))
    else:
        work.counts["X"] += len(private)
    return kept


def clean_element(source: Dataset, tag: int, work: Pass, place: Place) -> Element | None:
    """Return what becomes of a standard element of ``source``, None where it is removed."""
    found = stored(source, tag, little=work.little)
    cleaned = None if found is None else _standard(found, tag, work, place)
    return cleaned if place.masked else _by_its_code(source, tag, cleaned, work)


def _by_its_code(source: Dataset, tag: int, cleaned: Element | None, work: Pass) -> Element | None:
    """Judge the parts of a code by each other: what a standard terminology has is known."""
    if tag == _CODE_MEANING:
        return _known_meaning(source, work) or cleaned
    if tag in CODE_VALUES and cleaned is not None and not _known_code(source, tag, work):
        return element(tag, entry(tag).vr, stand_in(tag, entry(tag).vr, work), work.little)
    return cleaned


def _known_meaning(source: Dataset, work: Pass) -> Element | None:
    """Return the CodeMeaning of a code that a standard terminology has (PS3.3 section 8.8)."""
    meaning = standard_meaning(text_of(source, 0x00080102), text_of(source, 0x00080100))
    if meaning is None:
        return None
    return element(_CODE_MEANING, "LO", join_text([meaning], "LO"), work.little)


def _known_code(source: Dataset, tag: int, work: Pass) -> bool:
    """Say whether a code can be one of its scheme's: a local "code" may be a name or a number."""
    scheme, code = text_of(source, 0x00080102), text_of(source, tag)
    if standard_meaning(scheme, code) is not None:
        return True
    technical = work.profile.technical
    if scheme in work.profile.coding_schemes:
        return technical.knows_words(code)
    return technical.knows(code)


def _standard(source: Element, tag: int, work: Pass, place: Place) -> Element | None:
    """Apply the decision on one standard element; None removes it."""
    decision = decision_on(tag, work.profile, place)
    action = decision.action
    vr = None if action == "X" else real_vr(source, tag, work.signed)
    if vr is None:
        work.counts["X"] += 1
        return None
    if vr == "SQ":
        return _sequence(source, tag, decision, work, place)
    value = source.value
    if not isinstance(value, bytes):
        raise Withheld("value-too-large", f"({tag:08X}) is too large to be checked")
    if getattr(source, "is_little_endian", work.little) != work.little and WIDTHS.get(vr, 1) > 1:
        work.counts["X"] += 1  # inside an unknown sequence of a big endian file
        return None
    if not value.strip(b" \0") and vr not in WIDTHS:
        work.counts["K"] += 1
        return element(tag, vr, b"", work.little)
    kept, applied = apply(value, vr, tag, decision, work, top=place.top)
    work.counts[applied] += 1
    return None if kept is None else element(tag, vr, kept, work.little)


def decision_on(tag: int, profile: Profile, place: Place) -> Decision:
    """Decide on a standard element where it stands."""
    decision = decide(profile, tag, place.context)
    return _masked(decision, tag) if place.masked else decision


def _masked(decision: Decision, tag: int) -> Decision:
    """Return what an element becomes in an item that only has to be there: as little as can be."""
    if decision.kind in NEEDS_PLACE:
        return replace(decision, action="Z")
    if decision.kind not in NEEDS_VALUE:
        return replace(decision, action="X")
    vr = entry(tag).vr
    if vr in _TIMES and decision.action == "C":
        return decision  # moved like every date of the patient; it tells nothing of the item
    # A coded string that nothing forbids (a ValueType) is the item's shape, and says nothing.
    shape = vr == "CS" and decision.action == "K" and not decision.code
    return replace(decision, action="U" if vr == "UI" else "K" if shape else "D")


def _sequence(
    source: Element, tag: int, decision: Decision, work: Pass, place: Place
) -> Element | None:
    """Clean each item; items and sequences that have nothing left are left out, where they may."""
    action, kind = decision.action, decision.kind
    if not isinstance(source, DataElement) or action == "Z":
        work.counts["Z"] += 1
        return DataElement(tag, "SQ", Sequence([]))
    before = list(source.value or ())
    inside = inside_of(tag, place, action)
    if inside.masked:
        before = before[:1]
    cleaned = [_clean(item, work, inside) for item in before]
    # An item that was empty before may have to be there; one that becomes empty says nothing,
    # except where items stand for something by their number, as frames do.
    items = [
        Dataset(dict(sorted(kept.items())))
        for item, kept in zip(before, cleaned, strict=True)
        if kept or not len(item) or kind in NEEDS_VALUE
    ]
    work.counts[action] += 1
    if before and not items and kind not in NEEDS_PLACE:
        return None
    return DataElement(tag, "SQ", Sequence(items))


def inside_of(tag: int, place: Place, action: str) -> Place:
    """Return where the items of a sequence stand."""
    sequence = entry(tag).keyword or _PRIVATE_SEQUENCE
    return Place(place.context.inside(sequence), masked=place.masked or action == "D")


def _private(source: Dataset, found: list[int], work: Pass) -> dict[BaseTag, Element]:
    """Return the known-safe private elements under new block numbers, each value checked."""
    safe, creators = safe_elements(source, found, little=work.little)
    kept: dict[BaseTag, Element] = {}
    for one in safe:
        cleaned = clean_private(one, work)
        if cleaned is not None:
            kept[BaseTag(one.tag)] = cleaned
    used = {tag >> 8 for tag in kept}
    for tag, creator in creators.items():
        if (tag >> 16) << 8 | tag & 0xFF in used:
            kept[BaseTag(tag)] = element(tag, "LO", join_text([creator], "LO"), work.little)
    work.counts["K"] += len(kept)
    work.counts["X"] += max(len(found) - len(kept), 0)
    return kept


def clean_private(one: Kept, work: Pass) -> Element | None:
    """Return a known-safe element whose VR, count of values and content are as they should be."""
    source, vr = one.source, one.row.vr
    if isinstance(source, DataElement):
        cleaned = Decision("C", "the known-safe list")
        return _sequence(source, one.tag, cleaned, work, Place(Context())) if vr == "SQ" else None
    if vr == "SQ" or source.VR not in (None, "UN", vr) or not isinstance(source.value, bytes):
        return None
    if not work.little and source.VR == "UN":
        return None  # unknown bytes in big endian: nobody says in which order they are
    if one.row.most is not None and count_values(source.value, vr) > one.row.most:
        return None
    value = keep(source.value, vr, one.tag, work)
    return None if value is None else element(one.tag, vr, value, work.little)
