"""A plain DICOM peer for tests, written from PS3.8 and PS3.7 and not from the receiver's code.

It says exactly what a test wants said, also what no toolkit would.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
VERIFICATION = "1.2.840.10008.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
COMMITMENT = "1.2.840.10008.1.20.1"


@dataclass
class Answer:
    command: Dataset
    dataset: bytes


class Peer:
    """One connection; ``contexts`` are (abstract syntax, transfer syntax) under 1, 3, 5, …"""

    def __init__(self, port: int | socket.socket) -> None:
        """Connect to a port of this machine, or go on with a connection."""
        if isinstance(port, int):
            port = socket.create_connection(("127.0.0.1", port), 30)
        self.socket = port

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def associate(
        self, *contexts: tuple[str, str], called: str = "IMAGEHAVEN", calling: str = "TEST"
    ) -> tuple[int, bytes]:
        """Ask for an association; gives type and body of the PDU that answers."""
        self.socket.sendall(associate_request(contexts, called, calling))
        return self.pdu()

    def pdu(self) -> tuple[int, bytes]:
        kind, _, length = struct.unpack(">BBI", self._exactly(6))
        return kind, self._exactly(length)

    def send(
        self, context: int, command: dict[str, int | str], dataset: bytes | None, chunk: int = 4096
    ) -> None:
        full = {"CommandDataSetType": 0x0101 if dataset is None else 1, **command}
        self.fragments(context, encoded_command(full), 1, chunk)
        if dataset is not None:
            self.fragments(context, dataset, 0, chunk)

    def fragments(self, context: int, content: bytes, control: int, chunk: int) -> None:
        for start in range(0, len(content), chunk):
            part = content[start : start + chunk]
            flags = control | (2 if start + chunk >= len(content) else 0)
            item = struct.pack(">IBB", len(part) + 2, context, flags) + part
            self.socket.sendall(struct.pack(">BBI", 4, 0, len(item)) + item)

    def store(self, context: int, sop_class: str, instance: str, dataset: bytes) -> int:
        """Store one object; gives the status."""
        self.send(context, store_request(sop_class, instance), dataset)
        return int(self.message().command.Status)

    def hang_up(self) -> bytes:
        """Say that nothing more comes, and read what the receiver still says before it closes."""
        self.socket.shutdown(socket.SHUT_WR)
        said = b""
        try:
            while got := self.socket.recv(65536):
                said += got
        except ConnectionResetError:
            return said
        return said

    def message(self) -> Answer:
        """The next message: its command, and its data set where it has one."""
        parts: dict[int, bytes] = {1: b"", 0: b""}
        done: set[int] = set()
        while 1 not in done or (self._has_data(parts[1]) and 0 not in done):
            kind, body = self.pdu()
            assert kind == 4, f"PDU {kind} where a message is due"
            while body:
                length, _, flags = struct.unpack_from(">IBB", body)
                parts[flags & 1] += body[6 : 4 + length]
                if flags & 2:
                    done.add(flags & 1)
                body = body[4 + length :]
        return Answer(read_dataset(BytesIO(parts[1]), True, True), parts[0])

    def release(self) -> None:
        self.socket.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        assert self.pdu()[0] == 6

    @staticmethod
    def _has_data(command: bytes) -> bool:
        return bool(read_dataset(BytesIO(command), True, True).CommandDataSetType != 0x0101)

    def _exactly(self, length: int) -> bytes:
        content = b""
        while len(content) < length:
            got = self.socket.recv(length - len(content))
            if not got:
                raise ConnectionError("the receiver closed the connection")
            content += got
        return content


def store_request(sop_class: str, instance: str) -> dict[str, int | str]:
    return {
        "AffectedSOPClassUID": sop_class,
        "CommandField": 1,
        "MessageID": 1,
        "Priority": 0,
        "AffectedSOPInstanceUID": instance,
    }


def associate_request(
    contexts: tuple[tuple[str, str], ...], called: str = "IMAGEHAVEN", calling: str = "TEST"
) -> bytes:
    body = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode())
    body += _item(0x10, b"1.2.840.10008.3.1.1.1")
    for number, (abstract, syntax) in enumerate(contexts):
        inside = _item(0x30, abstract.encode()) + _item(0x40, syntax.encode())
        body += _item(0x20, bytes((2 * number + 1, 0, 0, 0)) + inside)
    body += _item(0x50, _item(0x51, struct.pack(">I", 16384)) + _item(0x52, b"1.2.3.4"))
    return struct.pack(">BBI", 1, 0, len(body)) + body


def results(accept: bytes) -> list[int]:
    """The result of each presentation context in the body of an A-ASSOCIATE-AC."""
    found, position = [], 68
    while position < len(accept):
        kind, length = struct.unpack_from(">BxH", accept, position)
        if kind == 0x21:
            found.append(accept[position + 6])
        position += 4 + length
    return found


def encoded(dataset: Dataset) -> bytes:
    """The data set in implicit VR little endian."""
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = True, True
    write_dataset(stream, dataset)
    return stream.getvalue()


def encoded_command(values: dict[str, int | str]) -> bytes:
    # Written by hand, and not by pydicom, so that a value may be anything.
    body = b""
    for tag, value in sorted(
        (tag_for_keyword(keyword) or 0, value) for keyword, value in values.items()
    ):
        raw = struct.pack("<H", value) if isinstance(value, int) else value.encode("latin-1")
        raw += b"\0" * (len(raw) % 2)
        body += struct.pack("<HHI", 0, tag, len(raw)) + raw
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value
