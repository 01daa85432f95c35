"""A source spoken to by DIMSE: what it lists by C-FIND, what it delivers by C-GET or C-MOVE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from imagehaven.acquire.receive.filing import Incoming
from imagehaven.acquire.receive.upperlayer import command
from imagehaven.acquire.receive.upperlayer.negotiation import IMPLICIT
from imagehaven.acquire.receive.upperlayer.pdu import Proposed, ProtocolError
from imagehaven.acquire.retrieve.dimse import conversation as talk
from imagehaven.acquire.retrieve.dimse.classes import classes_of, contexts
from imagehaven.acquire.retrieve.dimse.conversation import ENDED, Conversation, converse
from imagehaven.acquire.retrieve.dimse.explain import not_served
from imagehaven.acquire.retrieve.dimse.identifier import (
    Unreadable,
    decode_identifier,
    encode_identifier,
)
from imagehaven.acquire.retrieve.peer import (
    Found,
    Instance,
    Intake,
    Inventory,
    NotServed,
    Order,
    Refused,
    Study,
)
from imagehaven.acquire.retrieve.sources.source import C_MOVE, Dimse, Source

FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"

C_FIND, C_GET, C_MOVE_RQ = 0x0020, 0x0010, 0x0021
PENDING: Final = frozenset({0xFF00, 0xFF01})
#: A source that stops before the end says so by one of these: it cancels by itself (Orthanc), or
#: is out of resources.
_CUT: Final = frozenset({0xFE00, *range(0xA700, 0xA800)})

T = TypeVar("T")


class DimsePeer:
    """Keeps an association for questions open, and opens one for each C-GET."""

    def __init__(self, source: Source, dimse: Dimse) -> None:
        self._where = source.where
        self._peer = dimse
        self._seconds = source.limits.timeout
        self._asking: Conversation | None = None

    def studies(self, keys: Mapping[str, str]) -> Found:
        """See :class:`~imagehaven.acquire.retrieve.peer.Peer`."""
        wanted = {
            "QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "", "StudyDate": "",
            "StudyTime": "", "AccessionNumber": "", "ModalitiesInStudy": "",
            "NumberOfStudyRelatedSeries": "", "NumberOfStudyRelatedInstances": "", **keys,
        }  # fmt: skip
        rows, cut = self._find(wanted)
        return Found(tuple(study_of(row) for row in rows if row.get("StudyInstanceUID")), cut)

    def inventory(self, study: str) -> Inventory:
        """See :class:`~imagehaven.acquire.retrieve.peer.Peer`."""
        series_rows, cut = self._find({
            "QueryRetrieveLevel": "SERIES", "StudyInstanceUID": study, "SeriesInstanceUID": "",
            "Modality": "", "NumberOfSeriesRelatedInstances": "",
        })  # fmt: skip
        instances: dict[str, Instance] = {}
        said: int | None = 0
        for row in series_rows:
            series = row.get("SeriesInstanceUID", "")
            if not series:
                continue
            rows, short = self._find({
                "QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": study,
                "SeriesInstanceUID": series, "SOPInstanceUID": "", "SOPClassUID": "",
            })  # fmt: skip
            listed = {
                uid: Instance(uid, series, one.get("SOPClassUID", ""), row.get("Modality", ""))
                for one in rows
                if (uid := one.get("SOPInstanceUID", ""))
            }
            instances |= listed
            count = number(row.get("NumberOfSeriesRelatedInstances", ""))
            cut = cut or short or (count or 0) > len(listed)
            said = None if said is None or count is None else said + max(count, len(listed))
        return Inventory(tuple(instances.values()), cut, said if cut else None)

    def fetch(self, order: Order, intake: Intake) -> None:
        """See :class:`~imagehaven.acquire.retrieve.peer.Peer`."""
        if self._peer.retrieve == C_MOVE:
            self._move(order)
        else:
            self._get(order, intake)

    def close(self) -> None:
        """See :class:`~imagehaven.acquire.retrieve.peer.Peer`."""
        if self._asking is not None:
            self._asking.release()
            self._asking = None

    def _find(self, keys: Mapping[str, str]) -> tuple[list[dict[str, str]], bool]:
        """The answers to one C-FIND, and whether the source gave up before the end."""

        def ask(asking: Conversation) -> tuple[list[dict[str, str]], bool]:
            context = self._context(asking, FIND, "C-FIND")
            more: dict[int, int | str] = {talk.PRIORITY: 0}
            message = asking.ask(context, C_FIND, more, encode_identifier(keys))
            rows: list[dict[str, str]] = []
            for status, raw, _ in _responses(asking, C_FIND, message):
                if status in PENDING:
                    rows.append(_read(raw))
                elif status in _CUT and rows:
                    return rows, True
                elif status != command.SUCCESS:
                    raise not_served(self._where, f"C-FIND of {_level(keys)}", status)
            return rows, False

        return self._on_asking(f"C-FIND of {_level(keys)}", ask)

    def _move(self, order: Order) -> None:
        destination = self._peer.destination
        assert destination is not None  # the declaration was checked for it
        title = destination.title + " " * (len(destination.title) % 2)

        def ask(asking: Conversation) -> None:
            context = self._context(asking, MOVE, "C-MOVE")
            more: dict[int, int | str] = {
                talk.PRIORITY: self._peer.priority, talk.DESTINATION: title,
            }  # fmt: skip
            message = asking.ask(context, C_MOVE_RQ, more, identifier_of(order))
            for status, _, failed in _responses(asking, C_MOVE_RQ, message):
                self._judge(status, failed, "C-MOVE")

        self._on_asking("C-MOVE", ask)

    def _get(self, order: Order, intake: Intake) -> None:
        classes = classes_of([order])
        getting = converse(
            self._peer, self._where, self._seconds, contexts(GET, classes, IMPLICIT), classes
        )
        try:
            context = self._context(getting, GET, "C-GET")
            if len(getting.contexts) == 1:
                raise NotServed(
                    "class-refused",
                    f"{self._where}, C-GET: it agrees to send none of the {len(classes)} classes "
                    "of objects that it lists. Have it allowed to send them to our title by "
                    "C-GET, or choose `retrieve: c-move` in pacs.yaml.",
                )
            more: dict[int, int | str] = {talk.PRIORITY: self._peer.priority}
            message = getting.ask(context, C_GET, more, identifier_of(order))
            for status, _, failed in _responses(
                getting, C_GET, message, lambda *stored: self._store(getting, intake, *stored)
            ):
                self._judge(status, failed, "C-GET")
        except ENDED as error:
            getting.abort()
            raise getting.broken("C-GET", self._seconds) from error
        except BaseException:
            getting.abort()
            raise
        getting.release()

    def _store(
        self, getting: Conversation, intake: Intake, context: int, asked: command.Command
    ) -> None:
        instance = asked.uid(command.AFFECTED_INSTANCE)
        sop_class, syntax = getting.contexts[context]
        if not asked.has_data or not instance or not instance.isascii():
            for _ in getting.pieces(context) if asked.has_data else ():
                pass
            getting.answer(context, asked, command.CANNOT_UNDERSTAND)
            return
        draft = intake.draft(Incoming(sop_class, instance, syntax, self._peer.title))
        try:
            for piece in getting.pieces(context):
                draft.write(piece)
                intake.wrote(len(piece))
            intake.kept(draft)
        finally:
            draft.abandon()
        getting.answer(context, asked, command.SUCCESS)

    def _judge(self, status: int, failed: int, operation: str) -> None:
        if status in PENDING:
            return
        if status != command.SUCCESS:
            raise not_served(self._where, operation, status)
        if failed:
            raise not_served(self._where, operation, 0xB000)

    def _context(self, asking: Conversation, model: str, operation: str) -> int:
        try:
            return asking.context(model)
        except KeyError:
            raise Refused(
                f"{self._where}: it does not offer {operation} (Study Root) to our title. Have it "
                "switched on there for our title, or choose another `retrieve:` in pacs.yaml."
            ) from None

    def _on_asking(self, operation: str, ask: Callable[[Conversation], T]) -> T:
        kept = self._asking is not None
        while True:
            if self._asking is None:
                proposed = [Proposed(1, FIND, (IMPLICIT,)), Proposed(3, MOVE, (IMPLICIT,))]
                self._asking = converse(self._peer, self._where, self._seconds, proposed)
            try:
                return ask(self._asking)
            except ENDED as error:
                asking, self._asking = self._asking, None
                asking.abort()
                if not kept:
                    raise asking.broken(operation, self._seconds) from error
                kept = False  # the source may end an idle association; a new one will tell
            except BaseException:
                # What the source still sends to this question must not meet the next one.
                self._asking.abort()
                self._asking = None
                raise


def study_of(row: Mapping[str, str]) -> Study:
    """A study from the elements of one answer."""
    return Study(
        row["StudyInstanceUID"],
        row.get("StudyDate", ""),
        row.get("StudyTime", ""),
        row.get("AccessionNumber", ""),
        tuple(filter(None, row.get("ModalitiesInStudy", "").split("\\"))),
        number(row.get("NumberOfStudyRelatedSeries", "")),
        number(row.get("NumberOfStudyRelatedInstances", "")),
    )


def number(text: str) -> int | None:
    """The count in an answer, None where there is none."""
    return int(text) if text.isascii() and text.isdigit() else None


def identifier_of(order: Order) -> bytes:
    """The identifier that asks for an order, at its level."""
    keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": order.study}
    if order.series:
        keys |= {"QueryRetrieveLevel": "SERIES", "SeriesInstanceUID": order.series}
    if order.instances:
        keys |= {"QueryRetrieveLevel": "IMAGE", "SOPInstanceUID": "\\".join(order.instances)}
    return encode_identifier(keys)


def _responses(
    conversation: Conversation,
    kind: int,
    message: int,
    store: Callable[[int, command.Command], None] | None = None,
) -> Iterator[tuple[int, bytes, int]]:
    """Status, identifier and count of failures of each response, up to the last one."""
    while True:
        context, heard = conversation.hear()
        if heard.field == command.C_STORE and store is not None:
            store(context, heard)
            continue
        if heard.field != kind | command.RESPONSE or heard.number(command.ANSWERED) != message:
            raise ProtocolError("a message that answers nothing we asked", 2)
        raw = conversation.identifier(context, heard)
        status = heard.number(command.STATUS)
        failed = heard.number(talk.FAILED) if talk.FAILED in heard.elements else 0
        yield status, raw, failed
        if status not in PENDING:
            return


def _read(raw: bytes) -> dict[str, str]:
    try:
        return decode_identifier(raw)
    except Unreadable as error:
        raise ProtocolError("an identifier that ends early", 6) from error


def _level(keys: Mapping[str, str]) -> str:
    return {"STUDY": "studies", "SERIES": "series"}.get(keys["QueryRetrieveLevel"], "instances")
