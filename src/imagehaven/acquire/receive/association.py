"""One association, from its request to its end: stores, echoes, and answers for commitment."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from imagehaven.acquire.receive import commitment
from imagehaven.acquire.receive.commitment import Asked, Holds, Unreadable
from imagehaven.acquire.receive.filing import Incoming
from imagehaven.acquire.receive.options import Options
from imagehaven.acquire.receive.spool import MOST_UNSYNCED, Draft, Spool, SpoolFull
from imagehaven.acquire.receive.titles import admits
from imagehaven.acquire.receive.upperlayer import command, pdu
from imagehaven.acquire.receive.upperlayer.command import Command
from imagehaven.acquire.receive.upperlayer.negotiation import COMMITMENT, answer_context
from imagehaven.acquire.receive.upperlayer.pdu import AssociateRequest, Proposed, ProtocolError
from imagehaven.acquire.receive.upperlayer.requester import send_message
from imagehaven.acquire.receive.upperlayer.wire import (
    Aborted,
    Closed,
    Fragment,
    Released,
    Stopped,
    Wire,
)

#: Seconds from the connection to its association request (ARTIM, PS3.8 section 9.1.5).
ARTIM: Final = 30.0
_LONGEST_COMMAND: Final = 65536


@dataclass
class Totals:
    """What an association came to. It names application entities, and no object."""

    calling: str = ""
    called: str = ""
    host: str = ""
    outcome: str = "no-request"
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    bytes: int = 0
    echoes: int = 0
    committed: int = 0
    not_committed: int = 0
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return asdict(self)


class Service(Protocol):
    """What an association needs of its receiver."""

    options: Options
    spool: Spool
    holds: Holds

    def take_object(self) -> None:
        """Hear that one more object lies in the spool."""

    def report_later(self, title: str, asked: Asked) -> bool:
        """Answer for commitment on an association of its own; False where too many wait."""


@dataclass
class Association:
    """Serves one connection. ``crowded`` turns it away, politely, once it has said its request."""

    wire: Wire
    service: Service
    totals: Totals
    crowded: bool = False
    _request: AssociateRequest | None = None
    _contexts: dict[int, tuple[Proposed, str]] = field(default_factory=dict)
    _unsynced: list[Path] = field(default_factory=list)

    def serve(self) -> None:
        """Serve until the association ends, however it ends; the outcome is in the totals."""
        begun = time.monotonic()
        try:
            self._serve()
        finally:
            self._sync()
            self.totals.seconds = round(time.monotonic() - begun, 3)

    def _serve(self) -> None:
        try:
            if self._established():
                self.totals.outcome = "broken"
                while True:
                    self.wire.wait(self.service.options.idle)
                    self._message()
        except Released:
            self._sync()  # what the peer was told is stored is on the disk before it leaves
            self.totals.outcome = "released"
            self._last_word(pdu.encode(pdu.RELEASE_RP, bytes(4)))
        except Aborted:
            self.totals.outcome = "aborted"
        except Stopped:
            self.totals.outcome = "stopped"
            self._last_word(pdu.encode_abort(0, 0))
        except ProtocolError as error:
            self.totals.outcome = "malformed"
            self._last_word(pdu.encode_abort(2, error.reason))
        except Closed:
            pass  # the outcome is as far as it got: no request, or broken off
        except OSError:
            # The disk refused what was written already: the peer must not take it as stored.
            self.totals.outcome = "disk failed"
            self._last_word(pdu.encode_abort(0, 0))

    def _last_word(self, content: bytes) -> None:
        try:
            self.wire.send(content)
        except Closed:
            return

    def _established(self) -> bool:
        request = pdu.decode_request(self.wire.request(pdu.ASSOCIATE_RQ, ARTIM))
        self._request = request
        self.totals.calling, self.totals.called = request.calling, request.called
        refusal = self._refusal(request)
        if refusal is not None:
            outcome, *codes = refusal
            self.totals.outcome = f"rejected: {outcome}"
            self.wire.send(pdu.encode_reject(*codes))
            return False
        answers = [answer_context(context) for context in request.contexts]
        for context, answered in zip(request.contexts, answers, strict=True):
            if answered.result == 0:
                self._contexts[context.identifier] = (context, answered.transfer_syntax)
        self.wire.send(pdu.encode_accept(request, answers))
        return True

    def _refusal(self, request: AssociateRequest) -> tuple[str, int, int, int] | None:
        """The outcome, and result, source and reason of A-ASSOCIATE-RJ (PS3.8 table 9-21)."""
        options = self.service.options
        if not request.version & 1:
            return "protocol version", 1, 2, 2
        if request.application_context != pdu.APPLICATION_CONTEXT:
            return "application context", 1, 1, 2
        if request.called != options.title:
            return "called title", 1, 1, 7
        if not admits(options.allow, request.calling, self.totals.host):
            return "calling title", 1, 1, 3
        if self.crowded:
            return "too many associations", 2, 3, 2
        return None

    def _message(self) -> None:
        context, asked = self._command()
        found = self._contexts.get(context)
        if found is None:
            raise ProtocolError("a message in a context that was not accepted", 6)
        proposed, syntax = found
        if asked.field == command.C_STORE:
            self._store(context, syntax, asked)
        elif asked.field == command.N_ACTION and proposed.abstract_syntax == COMMITMENT:
            self._commit(context, syntax, asked)
        elif asked.field == command.C_ECHO:
            self._discard(context, asked)
            self.totals.echoes += 1
            self._respond(context, asked, command.SUCCESS)
        elif asked.field & command.RESPONSE or asked.field == command.C_CANCEL:
            self._discard(context, asked)  # the answer to a report of ours, or nothing to cancel
        else:
            self._discard(context, asked)
            self._respond(context, asked, command.UNRECOGNIZED_OPERATION)

    def _command(self) -> tuple[int, Command]:
        raw = bytearray()
        first = None
        while True:
            part = self.wire.fragment()
            first = part.context if first is None else first
            if not part.command or part.context != first:
                raise ProtocolError("a data set where a command is due", 2)
            if len(raw) + part.length > _LONGEST_COMMAND:
                raise ProtocolError("a command without end", 6)
            for piece in self.wire.pour(part.length):
                raw += piece
            if part.last:
                return part.context, command.decode_command(bytes(raw))

    def _store(self, context: int, syntax: str, asked: Command) -> None:
        sop_class = asked.uid(command.AFFECTED_CLASS)
        instance = asked.uid(command.AFFECTED_INSTANCE)
        if not asked.has_data or not sop_class or not instance or not instance.isascii():
            self._discard(context, asked)
            self.totals.refused += 1
            self._respond(context, asked, command.CANNOT_UNDERSTAND)
            return
        incoming = Incoming(sop_class, instance, syntax, self.totals.calling)
        try:
            path, new, size = self._file(context, asked, incoming)
        except SpoolFull:
            self.totals.refused += 1
            self._respond(context, asked, command.OUT_OF_RESOURCES)
            return
        if not self.service.options.sync_each_file:
            self._unsynced.append(path)
            if len(self._unsynced) >= MOST_UNSYNCED:
                self._sync()
        self.totals.stored += new
        self.totals.duplicates += not new
        self.totals.bytes += size
        self._respond(context, asked, command.SUCCESS)
        self.service.take_object()

    def _file(self, context: int, asked: Command, incoming: Incoming) -> tuple[Path, bool, int]:
        try:
            draft = self.service.spool.draft(incoming)
        except SpoolFull:
            self._discard(context, asked)
            raise
        try:
            self._pour_into(draft, context)
            size = draft.size
            path, new = draft.keep()
        finally:
            draft.abandon()
        return path, new, size

    def _pour_into(self, draft: Draft, context: int) -> None:
        full: SpoolFull | None = None
        last = False
        while not last:
            part = self._data(context)
            last = part.last
            for piece in self.wire.pour(part.length):
                if full is None:
                    try:
                        draft.write(piece)
                    except SpoolFull as error:
                        full = error  # the rest is heard and dropped, so that it can be answered
        if full is not None:
            raise full

    def _data(self, context: int) -> Fragment:
        part = self.wire.fragment()
        if part.command or part.context != context:
            raise ProtocolError("a command where the data set goes on", 2)
        return part

    def _discard(self, context: int, asked: Command) -> None:
        last = not asked.has_data
        while not last:
            part = self._data(context)
            last = part.last
            for _ in self.wire.pour(part.length):
                pass

    def _commit(self, context: int, syntax: str, asked: Command) -> None:
        content = bytearray()
        last = not asked.has_data
        while not last:
            part = self._data(context)
            last = part.last
            for piece in self.wire.pour(part.length):
                if len(content) <= commitment.LONGEST_REQUEST:
                    content += piece
        if asked.number(command.ACTION_TYPE) != 1:
            self._respond(context, asked, command.NO_SUCH_ACTION)
            return
        try:
            if len(content) > commitment.LONGEST_REQUEST:
                raise Unreadable
            request = commitment.read_request(bytes(content), syntax)
        except Unreadable:
            self._respond(context, asked, command.PROCESSING_FAILURE)
            return
        if self.totals.calling in self.service.options.report_to:
            taken = self.service.report_later(self.totals.calling, request)
            self._respond(context, asked, command.SUCCESS if taken else command.RESOURCE_LIMIT)
            return
        self._respond(context, asked, command.SUCCESS)
        answered = commitment.answer(self.service.spool, request, self.service.holds)
        self.totals.committed += len(answered.committed)
        self.totals.not_committed += len(answered.failed)
        send_message(self.wire, context, self._longest, *commitment.report(answered, 1, syntax))

    @property
    def _longest(self) -> int:
        return self._request.max_pdu if self._request is not None else 0

    def _respond(self, context: int, asked: Command, status: int) -> None:
        send_message(self.wire, context, self._longest, command.answer(asked, status))

    def _sync(self) -> None:
        paths, self._unsynced = self._unsynced, []
        if paths:
            self.service.spool.to_disk(paths)
