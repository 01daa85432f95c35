"""Storage commitment from the sender's side, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from dicom_peer import COMMITMENT, CT, IMPLICIT, Answer, Peer, encoded

MR = "1.2.840.10008.5.1.4.1.1.4"
CONTEXTS = ((CT, IMPLICIT), (COMMITMENT, IMPLICIT))
ACTION = {
    "RequestedSOPClassUID": COMMITMENT,
    "CommandField": 0x0130,
    "MessageID": 7,
    "RequestedSOPInstanceUID": "1.2.840.10008.1.20.1.1",
    "ActionTypeID": 1,
}


def request(*objects: tuple[str, str]) -> bytes:
    asked = Dataset()
    asked.TransactionUID = "1.2.9999"
    asked.ReferencedSOPSequence = [item(*pair) for pair in objects]
    return encoded(asked)


def item(sop_class: str, instance: str) -> Dataset:
    made = Dataset()
    made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = sop_class, instance
    return made


def told(report: Answer) -> tuple[int, set[str], dict[str, int]]:
    """Event type, UIDs committed to, and the reason for each of the others."""
    dataset = read_dataset(BytesIO(report.dataset), True, True)
    assert dataset.TransactionUID == "1.2.9999"
    committed = {one.ReferencedSOPInstanceUID for one in dataset.get("ReferencedSOPSequence", [])}
    failed = dataset.get("FailedSOPSequence", [])
    reasons = {one.ReferencedSOPInstanceUID: one.FailureReason for one in failed}
    return report.command.EventTypeID, committed, reasons


@contextmanager
def asked(peer: Peer, *objects: tuple[str, str]) -> Iterator[Answer]:
    peer.send(3, ACTION, request(*objects))
    answer = peer.message().command
    assert (answer.CommandField, answer.Status, answer.ActionTypeID) == (0x8130, 0, 1)
    report = peer.message()
    assert report.command.CommandField == 0x0100
    yield report
    respond(peer, 3)


def respond(peer: Peer, context: int) -> None:
    peer.send(
        context,
        {
            "AffectedSOPClassUID": COMMITMENT,
            "CommandField": 0x8100,
            "MessageIDBeingRespondedTo": 1,
            "Status": 0,
            "AffectedSOPInstanceUID": "1.2.840.10008.1.20.1.1",
            "EventTypeID": 1,
        },
        None,
    )
