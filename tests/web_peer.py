"""A plain HTTP client for tests of STOW-RS: it says exactly what a test wants said."""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

MEDIA = 'multipart/related; type="application/dicom"; boundary=cut'


@dataclass
class Heard:
    """An answer: its status, its header, and its body as JSON where it is."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def items(self, tag: str) -> list[dict[str, Any]]:
        """The items of a sequence, their values alone."""
        sequence = self.told.get(tag, {}).get("Value", [])
        return [
            {name: element.get("Value", [None])[0] for name, element in item.items()}
            for item in sequence
        ]


def connect(port: int, tls: ssl.SSLContext | None = None) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 30)
    return tls.wrap_socket(connection, server_hostname="server") if tls else connection


def answer(connection: socket.socket) -> Heard:
    """Read one answer."""
    response = HTTPResponse(connection, method="POST")
    response.begin()
    found = Heard(
        response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    )
    response.close()
    return found


def multipart(*files: bytes, kind: str = "application/dicom") -> bytes:
    parts = (
        b"--cut\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + file + b"\r\n" for file in files
    )
    return b"".join(parts) + b"--cut--\r\n"


def head(
    length: int | None, target: str = "/studies", method: str = "POST", **fields: str
) -> bytes:
    """A request's head; fields with an underscore for a hyphen, and empty ones left out."""
    header = {"Host": "test", "Content-Type": MEDIA, "Content-Length": str(length)}
    if length is None:
        del header["Content-Length"]
    header |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in header.items() if v)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def post(
    port: int, body: bytes, target: str = "/studies", tls: ssl.SSLContext | None = None, **f: str
) -> Heard:
    """Post a body on a connection of its own."""
    with connect(port, tls) as connection:
        connection.sendall(head(len(body), target, **f) + body)
        return answer(connection)


def chunked(body: bytes, size: int) -> bytes:
    """The body in HTTP's chunked coding."""
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def contents(*files: Path) -> list[bytes]:
    return [file.read_bytes() for file in files]
