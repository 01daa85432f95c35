"""No value survives an action that takes it away, whatever the data set and however deep."""

from __future__ import annotations

from io import BytesIO

import pydicom
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imagehaven.deidentify import Context, Profile, Pseudonyms, decide, deidentify_dataset, load
from imagehaven.deidentify.rulebook import iod
from imagehaven.deidentify.rulebook.rules import ACTIONS
from imagehaven.deidentify.rulebook.table import confidentiality_table, safe_private
from imagehaven.deidentify.writing.encode import EXPLICIT_LITTLE, encode, file_head
from imagehaven.dicom import quiet_pydicom
from imagehaven.errors import Withheld

QUICK = settings(derandomize=True, deadline=None, max_examples=120)
PROFILES = {name: load(name) for name in ("research", "basic")}
KEY = Pseudonyms(b"g" * 32)
_TABLE = sorted(
    tag
    for row in confidentiality_table()
    if row.keyword and (tag := tag_for_keyword(row.keyword)) is not None and tag >> 16 >= 8
)
_TEXTS = ("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UT")
_TEXT_TAGS = [tag for tag in _TABLE if dictionary_VR(tag) in _TEXTS]
_SEQUENCES = [tag for tag in _TABLE if dictionary_VR(tag) == "SQ"]
_SOP_CLASSES = st.sampled_from(["", "1.2.3.4", *sorted(iod._modules())])
_PROFILES = st.sampled_from(sorted(PROFILES))
#: Words that are harmless in every vocabulary: only the action, never the guard, takes them away.
_MARK = "CHEST"


def _raw(tag: int, vr: str, text: str) -> RawDataElement:
    value = text.encode("ascii") + b" " * (len(text) % 2)
    return RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)


def _nested(tags: list[int], path: list[int], sop_class: str) -> Dataset:
    """A data set with the marked elements at every level of a path of sequences."""
    dataset = Dataset({BaseTag(tag): _raw(tag, dictionary_VR(tag), _MARK) for tag in tags})
    if path:
        inner = _nested(tags, path[1:], "")
        dataset.add_new(path[0], "SQ", Sequence([inner, inner]))
    if sop_class:
        dataset.add_new(0x00080016, "UI", sop_class)
    return dataset


@QUICK
@given(
    _PROFILES,
    st.lists(st.sampled_from(_TEXT_TAGS), min_size=1, max_size=20, unique=True),
    st.lists(st.sampled_from(_SEQUENCES), max_size=4),
    _SOP_CLASSES,
)
def test_no_value_of_an_action_that_takes_it_away_survives_at_any_depth(
    profile: str, tags: list[int], path: list[int], sop_class: str
) -> None:
    source = _nested(tags, path, sop_class)
    cleaned = deidentify_dataset(source, PROFILES[profile], KEY).dataset
    _check(cleaned, PROFILES[profile], Context(sop_class), set(tags))


def _check(found: Dataset, rules: Profile, place: Context, marked: set[int]) -> None:
    for element in found.values():
        tag = int(element.tag)
        if isinstance(element, pydicom.DataElement):
            inside = place.inside(keyword_for_tag(tag))
            for item in element.value or ():
                _check(item, rules, inside, marked)
        elif tag in marked and decide(rules, tag, rules.normal(place)).action in "XZDUP":
            assert _MARK.encode() not in bytes(element.value or b""), keyword_for_tag(tag)


_NUMBER = st.sampled_from(sorted(safe_private()))


@QUICK
@given(
    _PROFILES,
    _SOP_CLASSES,
    st.lists(
        st.tuples(st.sampled_from(_TABLE), st.binary(max_size=20)),
        max_size=15,
        unique_by=lambda e: e[0],
    ),
    st.lists(st.tuples(_NUMBER, st.integers(0x10, 0xFF), st.binary(max_size=24)), max_size=4),
    st.booleans(),
)
def test_the_pass_never_fails_and_what_it_makes_can_be_read(
    profile: str,
    sop_class: str,
    elements: list[tuple[int, bytes]],
    private: list[tuple[tuple[str, int, int], int, bytes]],
    nested: bool,
) -> None:
    found: dict[BaseTag, RawDataElement] = {}
    for tag, value in elements:
        vr = dictionary_VR(tag).split(" or ")[0]
        vr = "UN" if vr == "SQ" else vr
        found[BaseTag(tag)] = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)
    for (creator, group, low), block, value in private:
        reserve = group << 16 | block
        found[BaseTag(reserve)] = _raw(reserve, "LO", creator)
        tag = group << 16 | block << 8 | low
        found[BaseTag(tag)] = RawDataElement(BaseTag(tag), "UN", len(value), value, 0, False, True)
    source = Dataset(found)
    if nested:
        source = Dataset()
        source.PerFrameFunctionalGroupsSequence = Sequence([Dataset(found)])
        source.SOPClassUID = sop_class
    try:
        cleaned = deidentify_dataset(source, PROFILES[profile], KEY).dataset
    except Withheld:
        return
    cleaned[0x00080018] = RawDataElement(BaseTag(0x00080018), "UI", 4, b"1.2\0", 0, False, True)
    data = file_head("1.2", "1.2", EXPLICIT_LITTLE) + encode(cleaned, EXPLICIT_LITTLE)
    with quiet_pydicom():
        again = pydicom.dcmread(BytesIO(data))
    assert len(again) == len(cleaned)


@QUICK
@given(_PROFILES, _SOP_CLASSES, st.sampled_from(["", *map(keyword_for_tag, _SEQUENCES)]))
def test_every_decision_is_one_action_wherever_the_element_stands(
    profile: str, sop_class: str, sequence: str
) -> None:
    rules = PROFILES[profile]
    context = rules.normal(Context(sop_class, sequence=sequence))
    for tag in _TABLE:
        found = decide(rules, tag, context)
        assert found.action in ACTIONS
        assert found.fallback in ("X", "Z", "D", "U")
        assert found.reason


@QUICK
@given(st.sampled_from(sorted(safe_private())), st.integers(1, 9), st.integers(0x10, 0xFF))
def test_a_private_number_is_kept_only_with_as_many_values_as_it_may_have(
    key: tuple[str, int, int], count: int, block: int
) -> None:
    creator, group, low = key
    row = safe_private()[key]
    if row.vr not in ("DS", "IS"):
        return
    tag = group << 16 | block << 8 | low
    source = Dataset(
        {
            BaseTag(group << 16 | block): _raw(group << 16 | block, "LO", creator),
            BaseTag(tag): _raw(tag, row.vr, "\\".join(["2"] * count)),
        }
    )
    cleaned = deidentify_dataset(source, PROFILES["research"], KEY).dataset
    kept = BaseTag(group << 16 | 0x1000 | low) in cleaned
    assert kept == (row.most is None or count <= row.most)
