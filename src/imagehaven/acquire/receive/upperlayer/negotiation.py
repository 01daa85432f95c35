"""Answers an association request: who may come in, and which contexts are taken.

Every storage SOP class is taken, also those that the Standard will add and those of vendors, in
the transfer syntax that the sender names first: the order is the sender's, and nothing is decoded
here. Storage commitment needs a syntax that its short data set can be read in.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from pydicom.uid import UID

from imagehaven.acquire.receive.upperlayer.pdu import Accepted, Proposed
from imagehaven.dicom import is_well_known

VERIFICATION: Final = "1.2.840.10008.1.1"
COMMITMENT: Final = "1.2.840.10008.1.20.1"
IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"

ACCEPTED: Final = 0
ABSTRACT_SYNTAX_NOT_SUPPORTED: Final = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED: Final = 4

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")
#: Standard storage classes, but for a few older ones elsewhere, lie here (PS3.4 table B.5-1).
_STORAGE_ARC: Final = "1.2.840.10008.5.1.4.1.1."


def answer_context(context: Proposed) -> Accepted:
    """Take a proposed context, or refuse it with the result that PS3.8 table 9-18 has for it."""
    syntaxes = [uid for uid in context.transfer_syntaxes if _UID.fullmatch(uid)]
    if context.abstract_syntax == COMMITMENT:
        syntaxes = [uid for uid in syntaxes if uid in (IMPLICIT, EXPLICIT)]
    elif context.abstract_syntax != VERIFICATION and not is_storage(context.abstract_syntax):
        # The syntax of a refused context means nothing, but has to be there.
        return Accepted(context.identifier, ABSTRACT_SYNTAX_NOT_SUPPORTED, IMPLICIT)
    if not syntaxes:
        return Accepted(context.identifier, TRANSFER_SYNTAXES_NOT_SUPPORTED, IMPLICIT)
    return Accepted(context.identifier, ACCEPTED, syntaxes[0])


@functools.lru_cache(maxsize=1024)
def is_storage(uid: str) -> bool:
    """Say whether a SOP class stores objects: by its name where the Standard has it (PS3.6).

    One that the Standard did not register is a vendor's, and those are storage in practice.
    """
    if not _UID.fullmatch(uid) or len(uid) > 64:
        return False
    known = UID(uid)
    if known.name != uid:
        named = "Storage" in known.name and "Commitment" not in known.name
        return known.type == "SOP Class" and named
    return uid.startswith(_STORAGE_ARC) or not is_well_known(uid)
