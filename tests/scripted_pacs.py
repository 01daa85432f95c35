"""A PACS that does what it is told: rejects, answers with a status, or finds nothing."""

from __future__ import annotations

import socket
import struct
import threading
from types import TracebackType
from typing import Any

from dicom_peer import Peer


class Scripted:
    """Each step is one association: ("reject", codes), or ("find", status of each answer)."""

    def __init__(self, steps: list[tuple[str, Any]]) -> None:
        self._steps = list(steps)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def left(self) -> list[tuple[str, Any]]:
        """The steps that nobody asked for."""
        return self._steps

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with Peer(connection) as peer:
                self._converse(peer)

    def _converse(self, peer: Peer) -> None:
        _, body = peer.pdu()
        if self._steps and self._steps[0][0] == "reject":
            codes = self._steps.pop(0)[1]
            peer.socket.sendall(struct.pack(">BBIBBBB", 3, 0, 4, 0, *codes))
            return
        peer.socket.sendall(accept(body))
        try:
            while self._steps:
                asked = peer.message().command
                _, status = self._steps.pop(0)
                answer = {
                    "AffectedSOPClassUID": str(asked.AffectedSOPClassUID),
                    "CommandField": int(asked.CommandField) | 0x8000,
                    "MessageIDBeingRespondedTo": int(asked.MessageID),
                    "Status": status,
                }
                peer.send(1, answer, None)
                if status:
                    return
            peer.pdu()
        except (AssertionError, ConnectionError):
            return


def accept(request: bytes) -> bytes:
    """An A-ASSOCIATE-AC that takes every context in implicit VR little endian."""
    items, position = b"", 68
    syntax = b"1.2.840.10008.1.2"
    while position < len(request):
        kind, length = struct.unpack_from(">BxH", request, position)
        if kind == 0x20:
            number = request[position + 4]
            inner = struct.pack(">BBH", 0x40, 0, len(syntax)) + syntax
            items += struct.pack(">BBHBBBB", 0x21, 0, len(inner) + 4, number, 0, 0, 0) + inner
        position += 4 + length
    user = struct.pack(">BBHI", 0x51, 0, 4, 16384)
    items += struct.pack(">BBH", 0x50, 0, len(user)) + user
    body = request[:68] + items
    return struct.pack(">BBI", 2, 0, len(body)) + body
