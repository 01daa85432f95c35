"""Storage commitment, push model (PS3.4 annex J): says truthfully what is held.

An object is committed to when a file of its UID lies in the spool, its bytes have the hash that
its name says, its SOP class is the one asked for, and it was waited for until it was on the disk.
For what is not in the spool, whoever runs the receiver may say what is held elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.filewriter import write_dataset

from imagehaven.acquire.receive import filing
from imagehaven.acquire.receive.spool import Spool
from imagehaven.acquire.receive.upperlayer import command
from imagehaven.acquire.receive.upperlayer.negotiation import COMMITMENT, IMPLICIT
from imagehaven.dicom import quiet_pydicom
from imagehaven.errors import TransientError

#: The one instance of the SOP class (PS3.4 J.3.5).
WELL_KNOWN_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
#: A request for 100,000 objects takes about this much.
LONGEST_REQUEST: Final = 16 * 2**20

PROCESSING_FAILURE: Final = 0x0110
NO_SUCH_OBJECT: Final = 0x0112
CLASS_CONFLICT: Final = 0x0119

_BLOCK: Final = 2**20
_NAME: Final = re.compile(r"(.+)-[0-9a-f]{32}" + re.escape(filing.SUFFIX))

#: Says, for SOP instance UIDs, under which SOP classes each is held outside the spool, safely and
#: checked just now; what it leaves out is not held. It may raise TransientError.
Holds = Callable[[Collection[str]], Mapping[str, Collection[str]]]


def nowhere(_instances: Collection[str]) -> Mapping[str, Collection[str]]:
    """The answer of a receiver that has only its spool."""
    return {}


class Unreadable(Exception):
    """The data set of a request is none that can be answered."""


@dataclass(frozen=True)
class Asked:
    """A request: its transaction, and the SOP class and instance of each object."""

    transaction: str
    objects: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answered:
    """Its answer: objects committed to, and objects with the reason why not."""

    transaction: str
    committed: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str, int], ...]


def read_request(content: bytes, transfer_syntax: str) -> Asked:
    """Read the data set of an N-ACTION request; raises :class:`Unreadable`."""
    try:
        with quiet_pydicom():
            dataset = read_dataset(BytesIO(content), transfer_syntax == IMPLICIT, True)
            transaction = str(dataset.TransactionUID)
            asked = tuple(
                (str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
                for item in dataset.ReferencedSOPSequence
            )
    except Exception as error:  # hostile input can raise anything in pydicom
        raise Unreadable from error
    if not transaction or not asked:
        raise Unreadable
    return Asked(transaction, asked)


def answer(spool: Spool, asked: Asked, holds: Holds = nowhere) -> Answered:
    """Look for each object in the spool, then elsewhere; wait until all of it is on the disk."""
    found = _files_of(spool, {filing.stem(instance) for _, instance in asked.objects})
    safe: list[Path] = []
    classes: dict[str, set[str]] = {}
    for _, instance in asked.objects:
        if instance in classes:
            continue
        classes[instance] = set()
        for path in found.get(filing.stem(instance), ()):
            filed_class = _class_if_whole(path)
            if filed_class is not None:
                classes[instance].add(filed_class)
                safe.append(path)
    unchecked = _add_what_is_elsewhere(asked, classes, holds)
    committed: list[tuple[str, str]] = []
    failed: list[tuple[str, str, int]] = []
    for sop_class, instance in asked.objects:
        if sop_class in classes[instance]:
            committed.append((sop_class, instance))
        elif instance in unchecked:
            failed.append((sop_class, instance, PROCESSING_FAILURE))
        else:
            reason = CLASS_CONFLICT if classes[instance] else NO_SUCH_OBJECT
            failed.append((sop_class, instance, reason))
    spool.to_disk(safe)
    return Answered(asked.transaction, tuple(committed), tuple(failed))


def _add_what_is_elsewhere(
    asked: Asked, classes: dict[str, set[str]], holds: Holds
) -> Collection[str]:
    """Add what is held outside the spool; returns the instances of which nobody could say."""
    missing = {
        instance for sop_class, instance in asked.objects if sop_class not in classes[instance]
    }
    if not missing:
        return ()
    try:
        elsewhere = holds(missing)
    except TransientError:
        return missing
    for instance in missing:
        classes[instance].update(elsewhere.get(instance, ()))
    return ()


def report(answered: Answered, message: int, transfer_syntax: str) -> tuple[bytes, bytes]:
    """The command and the data set of the N-EVENT-REPORT request (PS3.4 J.3.3)."""
    values: dict[int, int | str] = {
        command.AFFECTED_CLASS: COMMITMENT,
        command.FIELD: command.N_EVENT_REPORT,
        command.MESSAGE: message,
        command.DATA_SET: command.WITH_DATA,
        command.AFFECTED_INSTANCE: WELL_KNOWN_INSTANCE,
        command.EVENT_TYPE: 2 if answered.failed else 1,
    }
    dataset = Dataset()
    dataset.TransactionUID = answered.transaction
    if answered.committed:
        dataset.ReferencedSOPSequence = [_item(*pair) for pair in answered.committed]
    if answered.failed:
        dataset.FailedSOPSequence = [_item(*one) for one in answered.failed]
    stream = DicomBytesIO()
    stream.is_implicit_VR = transfer_syntax == IMPLICIT
    stream.is_little_endian = True
    with quiet_pydicom():
        write_dataset(stream, dataset)
    return command.encode_command(values), stream.getvalue()


def _item(sop_class: str, instance: str, reason: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class
    item.ReferencedSOPInstanceUID = instance
    if reason is not None:
        item.FailureReason = reason
    return item


def _files_of(spool: Spool, stems: Iterable[str]) -> dict[str, Sequence[Path]]:
    # One pass over the names: nothing has to be kept in step with the folder.
    wanted = set(stems)
    found: dict[str, Any] = {}
    for path in spool.objects():
        named = _NAME.fullmatch(path.name)
        if named and named[1] in wanted:
            found.setdefault(named[1], []).append(path)
    return found


def _class_if_whole(path: Path) -> str | None:
    """The SOP class in a file's meta; None where its data set has not the hash of its name."""
    try:
        with path.open("rb") as stream, quiet_pydicom():
            meta = read_file_meta_info(path)
            stream.seek(filing.META + meta.FileMetaInformationGroupLength)
            digest = filing.first_hash(str(meta.TransferSyntaxUID))
            while block := stream.read(_BLOCK):
                digest.update(block)
            sop_class, instance = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    except OSError:  # it was taken out in between
        return None
    except Exception:  # noqa: BLE001 - a damaged file can raise anything in pydicom
        return None
    whole = path.name == filing.file_name(str(instance), digest.hexdigest())
    return str(sop_class) if whole else None
