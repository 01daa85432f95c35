"""A source spoken to by DICOMweb: what it lists by QIDO-RS, what it delivers by WADO-RS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import urllib3
from urllib3.exceptions import HTTPError

from imagehaven.acquire.receive.filing import Incoming
from imagehaven.acquire.retrieve.asking import looks_cut
from imagehaven.acquire.retrieve.dicomweb.client import Client
from imagehaven.acquire.retrieve.dicomweb.multipart import Broken, boundary_of, parts
from imagehaven.acquire.retrieve.dicomweb.part10 import (
    IDENTIFYING,
    Meta,
    NoFile,
    named_by_data_set,
    read_meta,
)
from imagehaven.acquire.retrieve.peer import (
    Found,
    Instance,
    Intake,
    Inventory,
    NotServed,
    Order,
    Study,
)
from imagehaven.acquire.retrieve.sources.source import Dicomweb, Source

#: Objects as the server has them, in whatever transfer syntax (PS3.18 section 8.7.3).
AS_STORED: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
PAGE: Final = 500
_PIECE: Final = 2**18

_STUDY_DATE, _STUDY_TIME, _ACCESSION = "00080020", "00080030", "00080050"
_MODALITIES, _MODALITY = "00080061", "00080060"
_STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"
_SERIES_COUNT, _INSTANCE_COUNT = "00201206", "00201208"


class DicomwebPeer:
    """Pages through lists, and writes objects while they come."""

    def __init__(self, source: Source, web: Dicomweb) -> None:
        self._client = Client(source, web)
        self._results = source.limits.results

    def studies(self, keys: Mapping[str, str]) -> Found:
        """See :class:`~imagehaven.acquire.retrieve.peer.Peer`."""
        fields = [_MODALITIES, _SERIES_COUNT, _INSTANCE_COUNT, _ACCESSION, _STUDY_TIME]
        query = {key: value for key, value in keys.items() if value}
        try:
            rows, cut = self._pages("/studies", {**query, "includefield": fields}, _STUDY)
        except NotServed as error:
            if error.reason != "too-many":
                raise
            return Found((), cut=True)
        return Found(tuple(map(_study, rows)), cut)

    def inventory(self, study: str) -> Inventory:
        """See :class:`~imagehaven.acquire.retrieve.peer.Peer`."""
        fields = [_SERIES, _MODALITY]
        path = f"/studies/{quote(study, safe='')}/instances"
        try:
            rows, cut = self._pages(path, {"includefield": fields}, _INSTANCE)
        except NotServed as error:
            if error.reason == "not-there":
                return Inventory(())
            raise
        listed = (
            Instance(_text(row, _INSTANCE), _text(row, _SERIES), modality=_text(row, _MODALITY))
            for row in rows
        )
        return Inventory(tuple(listed), cut)

    def fetch(self, order: Order, intake: Intake) -> None:
        """See :class:`~imagehaven.acquire.retrieve.peer.Peer`."""
        path = f"/studies/{quote(order.study, safe='')}"
        if order.series:
            path += f"/series/{quote(order.series, safe='')}"
        if not order.instances:
            self._deliver(path, intake)
            return
        refused: NotServed | None = None
        for instance in order.instances:
            try:
                self._deliver(f"{path}/instances/{quote(instance, safe='')}", intake)
            except NotServed as error:
                if error.distress:
                    raise
                refused = error  # the others may be there
        if refused is not None:
            raise refused

    def close(self) -> None:
        """See :class:`~imagehaven.acquire.retrieve.peer.Peer`."""
        self._client.close()

    def _pages(
        self, path: str, query: Mapping[str, str | list[str]], key: str
    ) -> tuple[list[dict[str, Any]], bool]:
        """Every row by its UID, and whether the list is known to be short.

        Servers cap pages below the limit asked for, and some ignore the offset: a page that could
        be capped is followed by another, and one that repeats itself ends the list as short.
        """
        limit = min(PAGE, self._results or PAGE)
        found: dict[str, dict[str, Any]] = {}
        offset = 0
        while True:
            rows, more = self._client.rows(path, {**query, "limit": limit, "offset": offset})
            page = {uid: row for row in rows if (uid := _text(row, key))}
            fresh = {uid: row for uid, row in page.items() if uid not in found}
            found |= fresh
            offset += len(rows)
            if not rows:
                return list(found.values()), False
            if len(fresh) < len(page):
                # A list that moves while it is read, or an offset that is not heeded.
                return list(found.values()), True
            if not more and len(rows) < limit and not looks_cut(len(rows)):
                return list(found.values()), False

    def _deliver(self, path: str, intake: Intake) -> None:
        answer = self._client.open(path, AS_STORED, "WADO-RS")
        whole = False
        try:
            for pieces in _files(answer):
                self._store(pieces, intake)
            whole = True
        except (Broken, HTTPError) as error:
            raise self._client.broken("WADO-RS", error) from error
        except NoFile as error:
            raise NotServed(
                "not-dicom",
                f"{self._client.where}, WADO-RS: what it sent is no DICOM file. Its log says why.",
            ) from error
        finally:
            # What was not read to its end must not be read as the next answer.
            if whole:
                answer.drain_conn()
                answer.release_conn()
            else:
                answer.close()

    def _store(self, pieces: Iterable[bytes], intake: Intake) -> None:
        coming = iter(pieces)
        head, meta = _head(coming)
        incoming = Incoming(meta.sop_class, meta.sop_instance, meta.transfer_syntax, "")
        draft = intake.draft(incoming)
        try:
            draft.write(memoryview(head)[meta.offset :])
            intake.wrote(len(head))
            for piece in coming:
                draft.write(memoryview(piece))
                intake.wrote(len(piece))
            intake.kept(draft)
        finally:
            draft.abandon()


def _head(coming: Iterator[bytes]) -> tuple[bytes, Meta]:
    """The first bytes of a file, enough of them to know what it is."""
    head = b""
    meta = None
    for piece in coming:
        head += piece
        meta = read_meta(head)
        if meta is not None and len(head) >= meta.offset + IDENTIFYING:
            break
    if meta is None:
        raise NoFile
    return head, named_by_data_set(meta, head[meta.offset :])


def _files(answer: urllib3.BaseHTTPResponse) -> Iterator[Iterator[bytes]]:
    boundary = boundary_of(answer.headers.get("Content-Type", ""))
    if boundary is not None:
        yield from parts(_Body(answer), boundary)
        return
    # A single file: only its length shows that it came whole.
    if not answer.headers.get("Content-Length") and not getattr(answer, "chunked", False):
        raise Broken
    body = _Body(answer)
    yield iter(lambda: body.read(_PIECE), b"")


class _Body:
    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer

    def read(self, amount: int, /) -> bytes:
        return self._answer.read(amount, decode_content=True)


def _study(row: Mapping[str, Any]) -> Study:
    return Study(
        _text(row, _STUDY),
        _text(row, _STUDY_DATE),
        _text(row, _STUDY_TIME),
        _text(row, _ACCESSION),
        tuple(filter(None, _texts(row, _MODALITIES))),
        _count(row, _SERIES_COUNT),
        _count(row, _INSTANCE_COUNT),
    )


def _texts(row: Mapping[str, Any], tag: str) -> list[str]:
    """The values of an element in DICOM JSON (PS3.18 annex F)."""
    element = row.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [str(value).strip() for value in values or () if value is not None]


def _text(row: Mapping[str, Any], tag: str) -> str:
    return next(iter(_texts(row, tag)), "")


def _count(row: Mapping[str, Any], tag: str) -> int | None:
    text = _text(row, tag)
    return int(text) if text.isascii() and text.isdigit() else None
