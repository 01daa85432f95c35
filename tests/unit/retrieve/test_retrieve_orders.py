"""What is ordered is exactly what lacks; what is here is found by its name."""

from hypothesis import given
from hypothesis import strategies as st

from imagehaven.acquire.retrieve.dimse.classes import classes_of, contexts, offered
from imagehaven.acquire.retrieve.dimse.identifier import decode_identifier, encode_identifier
from imagehaven.acquire.retrieve.dimse.peer import GET, identifier_of
from imagehaven.acquire.retrieve.peer import Instance, Order
from imagehaven.acquire.retrieve.working import orders

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
IMPLICIT = "1.2.840.10008.1.2"

shapes = st.lists(st.integers(1, 120), min_size=1, max_size=4)


@given(shape=shapes, most=st.sampled_from([None, 90, 1, 7]), data=st.data())
def test_orders_bring_what_lacks_and_nothing_else(
    shape: list[int], most: int | None, data: st.DataObject
) -> None:
    listed = [
        Instance(f"1.{series}.{number}", f"1.{series}", CT)
        for series, count in enumerate(shape)
        for number in range(count)
    ]
    lacking = [one for one in listed if data.draw(st.booleans())]
    brought: list[str] = []
    for order in orders("1", listed, lacking, most):
        series = [one.uid for one in listed if not order.series or one.series == order.series]
        brought += order.instances or series
        assert len(order.instances) <= (most or 90)
        assert most is None or order.instances
    assert sorted(brought) == sorted(one.uid for one in lacking)


def test_the_first_orders_are_few() -> None:
    listed = [Instance(f"1.{n % 2}.{n}", f"1.{n % 2}", CT) for n in range(10)]
    assert len(orders("1", listed, listed, None)) == 1
    (order,) = orders("1", listed, [one for one in listed if one.series == "1.1"], None)
    assert (order.series, order.instances) == ("1.1", ())


def test_an_order_names_its_level() -> None:
    asked = decode_identifier(identifier_of(Order("1.2", "1.2.3", ("1.2.3.4", "1.2.3.5"))))
    assert asked["QueryRetrieveLevel"] == "IMAGE"
    assert asked["SOPInstanceUID"] == "1.2.3.4\\1.2.3.5"
    assert decode_identifier(identifier_of(Order("1.2")))["QueryRetrieveLevel"] == "STUDY"


@given(st.lists(st.sampled_from([CT, MR, *(f"1.2.3.{n}" for n in range(200))]), unique=True))
def test_contexts_never_outgrow_an_association(classes: list[str]) -> None:
    proposed = contexts(GET, classes, IMPLICIT)
    numbers = [context.identifier for context in proposed]
    assert len(proposed) <= 128
    assert numbers == list(range(1, 2 * len(proposed), 2))
    assert {context.abstract_syntax for context in proposed[1:]} == set(classes[:127])


def test_few_classes_are_taken_in_every_transfer_syntax() -> None:
    proposed = contexts(GET, [CT, MR], IMPLICIT)
    for sop_class in (CT, MR):
        mine = [one.transfer_syntaxes for one in proposed if one.abstract_syntax == sop_class]
        assert mine == [(syntax,) for syntax in offered().transfer_syntaxes]


def test_classes_come_from_the_modality_where_the_source_does_not_tell_them() -> None:
    told = classes_of([Order("1", sop_classes=frozenset({""}), modalities=frozenset({"MR"}))])
    assert MR in told
    assert CT not in told
    assert len(classes_of([Order("1")])) > 20
    assert classes_of([Order("1", sop_classes=frozenset({CT}))]) == (CT,)


@given(
    st.dictionaries(
        st.sampled_from(["StudyDate", "AccessionNumber", "StudyInstanceUID", "Modality"]),
        st.text("ABC 0123.", max_size=20).map(str.strip),
    )
)
def test_an_identifier_says_what_was_put_in(values: dict[str, str]) -> None:
    assert decode_identifier(encode_identifier(values)) == values


def test_nested_and_unknown_elements_are_walked_over() -> None:
    inner = encode_identifier({"StudyInstanceUID": "9.9.9"})
    undefined = b"\xff\xff\xff\xff"
    sequence = b"\x08\x00\x40\x11" + undefined + b"\xfe\xff\x00\xe0" + undefined + inner
    sequence += b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    name = b"\x10\x00\x10\x00\x08\0\0\0DOE^JANE"
    raw = sequence + name + encode_identifier({"StudyInstanceUID": "1.2.3"})
    assert decode_identifier(raw) == {"StudyInstanceUID": "1.2.3"}
