"""The Store transaction (PS3.18 section 10.5): a request's parts become objects of the spool.

Parts wait as drafts until the whole request has come and was understood; then they are kept, and
waited for until they are on the disk, before the client hears of them.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, Final

from imagehaven.acquire.receive.association import Service, Totals
from imagehaven.acquire.receive.filing import Incoming
from imagehaven.acquire.receive.options import WEB, Web
from imagehaven.acquire.receive.spool import Draft, SpoolFull
from imagehaven.acquire.receive.web import answer
from imagehaven.acquire.receive.web.answer import Response
from imagehaven.acquire.receive.web.http import Gone, Http, Refused, Request
from imagehaven.acquire.receive.web.multipart import Begin, End, Malformed, Multipart
from imagehaven.acquire.receive.web.part10 import Head, NotDicom

DICOM: Final = "application/dicom"
_TARGET: Final = re.compile(r"/studies(?:/([0-9]+(?:\.[0-9]+)+))?/?(?:\?.*)?")
_TAKES: Final = re.compile(r"(application/dicom\+json|application/json|application/\*|\*/\*)")


class Posting:
    """Serves one connection. ``crowded`` turns its requests away."""

    def __init__(
        self,
        connection: socket.socket,
        service: Service,
        host: str,
        *,
        crowded: bool,
        awake: int,
        ended: Callable[[Totals], None],
    ) -> None:
        web = service.options.web
        assert web is not None
        self._web: Web = web
        self._service = service
        self._host = host
        self._crowded = crowded
        self._ended = ended
        self._certified = _common_name(connection)
        self._http = Http(connection, awake, service.options.silence)

    def serve(self) -> None:
        """Serve until the connection ends, however it ends; each request's totals are told."""
        while self._one():
            continue
        self._http.finish()

    def _one(self) -> bool:
        """One request; whether another may follow."""
        totals = Totals(calling=self._certified, called=WEB, host=self._host)
        begun = time.monotonic()
        try:
            request = self._http.request()
            if request is None:
                return False
            totals.outcome = "broken"
            headers, status = {"Content-Type": answer.MEDIA_TYPE}, 500
            try:
                response = self._stored(request, totals)
                status, body = response.status, response.body()
            except Refused as refusal:
                status = refusal.status
                headers = {"Content-Type": "text/plain; charset=utf-8", **refusal.headers}
                body = f"{refusal.why}\n".encode()
            except OSError:
                headers = {"Content-Type": "text/plain; charset=utf-8"}
                body = b"The disk failed. Send everything again.\n"
            self._http.respond(status, headers, body)
            totals.outcome = f"http {status}"
        except Refused as refusal:
            totals.outcome = f"http {refusal.status}"
            with contextlib.suppress(Gone):
                self._http.respond(refusal.status, {}, b"")
            return self._told(totals, begun, again=False)
        except Gone:
            return self._told(totals, begun, again=False)
        return self._told(totals, begun, again=True)

    def _told(self, totals: Totals, begun: float, *, again: bool) -> bool:
        totals.seconds = round(time.monotonic() - begun, 3)
        self._ended(totals)
        return again

    def _stored(self, request: Request, totals: Totals) -> Response:
        """Do what is asked; raises :class:`Refused` where nothing is."""
        self._admit(request, totals)
        study, boundary = _understood(request)
        length = request.headers.get("content-length", "0")
        if int(length) > self._web.longest:
            raise _too_long()
        request_parts = _Parts(self._service, self._web.most_parts, totals.calling)
        try:
            parser = Multipart(boundary)
            size = 0
            for piece in self._http.body():
                size += len(piece)
                if size > self._web.longest:
                    raise _too_long()
                for event in parser.feed(piece):
                    request_parts.take(event)
            parser.close()
            return request_parts.keep(study, totals)
        except Malformed as error:
            raise Refused(400, f"The body cannot be taken apart: {error}.") from error
        finally:
            request_parts.abandon()

    def _admit(self, request: Request, totals: Totals) -> None:
        if not self._web.callers.admits(self._host):
            raise Refused(403, "This machine may not send here.")
        if self._web.callers.tokens:
            name = self._web.callers.named(request.headers.get("authorization", ""))
            if name is None:
                raise Refused(401, "A token is needed.", {"WWW-Authenticate": "Bearer"})
            totals.calling = name
        if self._crowded:
            raise Refused(503, "Too many are sending; try again.", {"Retry-After": "10"})


@dataclass
class _Part:
    """One part: what it says it is, and its draft; ``failure`` is why it is not taken."""

    head: Head
    failure: int | None = None
    incoming: Incoming | None = None
    draft: Draft | None = None


@dataclass
class _Parts:
    """The parts of one request, as drafts of the spool."""

    service: Service
    most: int
    sender: str
    parts: list[_Part] = field(default_factory=list)

    def take(self, event: Begin | bytes | End) -> None:
        """Follow the parser by one event; raises :class:`Refused` for too many parts."""
        if isinstance(event, Begin):
            if len(self.parts) >= self.most:
                raise Refused(413, f"A request has at most {self.most} parts here.")
            self.parts.append(_Part(Head(self.sender), _unfit(event.header)))
        elif isinstance(event, bytes):
            part = self.parts[-1]
            if part.failure is None:
                self._write(part, event)
        else:
            self._sealed(self.parts[-1])

    def _write(self, part: _Part, piece: bytes) -> None:
        try:
            if part.draft is not None:
                part.draft.write(memoryview(piece))
                return
            known = part.head.feed(piece)
            if known is not None:
                part.incoming, head, rest = known
                part.draft = self.service.spool.draft(part.incoming, head)
                part.draft.write(memoryview(rest))
        except NotDicom:
            part.failure = answer.CANNOT_UNDERSTAND
        except SpoolFull:
            part.failure = answer.OUT_OF_RESOURCES

    def _sealed(self, part: _Part) -> None:
        if part.draft is not None:
            part.draft.seal()
        elif part.failure is None:  # it ended before its data set began
            part.failure = answer.CANNOT_UNDERSTAND

    def keep(self, study: str | None, totals: Totals) -> Response:
        """Put every part that is whole, and of the ``study`` if one is named, into its place."""
        if not self.parts:
            raise Refused(400, "The body has no part.")
        response = Response()
        kept: list[Path] = []
        for part in self.parts:
            if part.draft is not None and part.failure is None:
                part.failure = _keep(part.draft, study, kept, totals)
            if part.incoming is None:
                response.others.append(part.failure or answer.CANNOT_UNDERSTAND)
                continue
            pair = part.incoming.sop_class, part.incoming.sop_instance
            if part.failure is None:
                response.stored.append(pair)
            else:
                response.failed.append((*pair, part.failure))
        totals.refused += len(response.failed) + len(response.others)
        self.service.spool.to_disk(kept)
        for _ in kept:
            self.service.take_object()
        return response

    def abandon(self) -> None:
        """Remove every draft that was not kept."""
        for part in self.parts:
            if part.draft is not None:
                part.draft.abandon()


def _keep(draft: Draft, study: str | None, kept: list[Path], totals: Totals) -> int | None:
    """Keep one draft; returns why not."""
    if study is not None and draft.study != study.encode():
        return answer.PROCESSING_FAILURE
    try:
        path, new = draft.keep()
    except SpoolFull:
        return answer.OUT_OF_RESOURCES
    kept.append(path)
    totals.stored += new
    totals.duplicates += not new
    totals.bytes += draft.size
    return None


def _understood(request: Request) -> tuple[str | None, str]:
    """The study that is named, if any, and the boundary; raises :class:`Refused`."""
    target = _TARGET.fullmatch(request.target)
    if target is None:
        raise Refused(404, "Post to /studies or /studies/STUDY-INSTANCE-UID.")
    if request.method != "POST":
        raise Refused(405, "Only POST is understood here.", {"Allow": "POST"})
    accept = request.headers.get("accept", "*/*")
    if not _TAKES.search(accept.lower()):
        raise Refused(406, f"The answer is {answer.MEDIA_TYPE}.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "The body must not be compressed.")
    described = _media(request.headers.get("content-type", ""))
    boundary = described.get_param("boundary")
    kind = described.get_param("type", DICOM)
    if described.get_content_type() != "multipart/related" or str(kind).lower() != DICOM:
        raise Refused(415, f'Send multipart/related; type="{DICOM}".')
    if not isinstance(boundary, str) or not boundary:
        raise Refused(400, "The Content-Type names no boundary.")
    return target[1], boundary


def _unfit(header: dict[str, str]) -> int | None:
    """Why a part with such a header is not taken."""
    plain = header.get("content-transfer-encoding", "binary").lower() in ("binary", "8bit")
    kind = _media(header.get("content-type", DICOM)).get_content_type()
    return None if plain and kind == DICOM else answer.CANNOT_UNDERSTAND


def _media(value: str) -> Message:
    message = Message()
    message["Content-Type"] = value or "application/octet-stream"
    return message


def _too_long() -> Refused:
    return Refused(413, "The request is larger than is taken here; send fewer files at a time.")


def _common_name(connection: socket.socket) -> str:
    """The name in the client's certificate, where it was asked for one."""
    if not isinstance(connection, ssl.SSLSocket):
        return ""
    subject: Any = (connection.getpeercert() or {}).get("subject", ())
    names = [value for part in subject for name, value in part if name == "commonName"]
    return str(names[0]) if names else ""
