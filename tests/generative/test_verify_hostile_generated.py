"""Whatever bytes a file holds: verification ends with a list, and a readable name is in it."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from imagehaven.verify import known_identifiers, verify_file

KNOWN = known_identifiers(
    {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Drummond^Elspeth"}]},
        "00100020": {"vr": "LO", "Value": ["0101901232"]},
    }
)
WHOLE = Path(get_testdata_file("rtplan.dcm")).read_bytes()
SECRETS = st.sampled_from([b"DRUMMOND", b"0101901232", "Drummond".encode("utf-16-le")])


def verify(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.dcm"
        path.write_bytes(data)
        return verify_file(path, KNOWN)


@given(st.binary(max_size=400), st.booleans())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_garbage_never_raises_and_never_passes(garbage, magic):
    data = b"\0" * 128 + b"DICM" + garbage if magic else garbage
    if garbage.strip(b"\0") or not magic:
        assert verify(data)


@given(st.integers(0, len(WHOLE)), st.binary(max_size=20), SECRETS)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_a_name_put_anywhere_into_a_file_blocks_it(offset, around, secret):
    assert verify(WHOLE[:offset] + around + b"\0\0" + secret + b"\0\0" + WHOLE[offset:])


@given(st.integers(140, len(WHOLE) - 1), SECRETS)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_a_name_written_over_any_bytes_blocks_the_file(offset, secret):
    data = WHOLE[:offset] + b"\0" + secret + b"\0" + WHOLE[offset + len(secret) + 2 :]
    assert verify(data)
