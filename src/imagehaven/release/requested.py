"""What a release is asked for: the cohort's instances with their sources, and who blocks them.

One set-based query gives every object. Its rows are read as they were at the cohort's snapshot, so
that a release can be made again; opt-outs and conflicts are read as they are now, so that nobody
who has opted out since is released.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.link import opted_out
from imagehaven.release.states import State
from imagehaven.release.terms import Terms

MEMBERS: Final = """
SELECT SOPInstanceUID FROM cohort_member WHERE project = ? AND cohort = ? AND version = ?
"""
_FETCH: Final = 2000
#: Another source with the same bytes stands in where the first one is gone.
_SOURCES: Final = 3
#: What names a patient (PS3.3 C.7.1.1, C.2.2): looked for in every file of that patient.
_IDENTITY: Final = (
    "00100010", "00100020", "00100030", "00101000", "00101001", "00101002", "00101005",
    "00101040", "00101060", "00102154", "00102155",
)  # fmt: skip
_MOST_IDENTITIES: Final = 20


@dataclass(frozen=True)
class Item:
    """One requested object: small, and JSON when it lies in the ledger or travels to a worker.

    ``sources`` are (location, path, members, size) as in the catalogue's ``source`` table, the one
    catalogued first before the others; all had the bytes of ``sha256``. ``identities`` are the
    patient's naming elements as all instances of that patient write them. ``blocked`` is the state
    that ends the object without work.
    """

    seq: int
    SOPInstanceUID: str
    modality: str
    sha256: str
    size: int
    study: str
    sources: list[list[Any]]
    identities: list[dict[str, Any]]
    blocked: str = ""

    def to_json(self) -> dict[str, Any]:
        """The item as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Extent:
    """How much a cohort asks for. ``uncatalogued`` objects are gone from the snapshot."""

    instances: int
    patients: int
    studies: int
    bytes: int
    uncatalogued: int


def parameters(terms: Terms) -> list[Any]:
    """The parameters of :data:`MEMBERS`."""
    return [terms.project, terms.cohort, terms.version]


def extent(haven: Haven, terms: Terms) -> Extent:
    """Count what the cohort version asks for; bytes are those of the originals."""
    with haven.lake.connect(read_only=True) as connection:
        row = connection.execute(
            f"""
            SELECT count(*), count(DISTINCT m.PatientID), count(DISTINCT m.StudyInstanceUID),
                   coalesce(sum(i.size), 0), count(*) - count(i.SOPInstanceUID)
            FROM ({_members()}) m LEFT JOIN {_at("instance", terms)} i USING (SOPInstanceUID)
            """,  # noqa: S608 - our own text, with parameters
            parameters(terms),
        ).fetchone()
    return Extent(*(int(number) for number in row or (0, 0, 0, 0, 0)))


def requested(
    haven: Haven, terms: Terms, *, after: int = -1, only: Iterable[str] | None = None
) -> Iterator[Item]:
    """Every requested object behind place ``after``, or ``only`` these, in the release's order.

    The order is patient, study, series, instance number, SOP Instance UID.
    """
    with haven.lake.connect(read_only=True) as connection:
        chosen = "true"
        if only is not None:
            connection.register("chosen", pa.table({"uid": pa.array(sorted(only), pa.string())}))
            chosen = "SOPInstanceUID IN (SELECT uid FROM chosen)"
        found = connection.execute(_query(terms, chosen), [*parameters(terms), after])
        while rows := found.fetchmany(_FETCH):
            for row in rows:
                yield _item(row)


def blocked(haven: Haven, terms: Terms) -> dict[str, State]:
    """The requested objects that may not be released now: people opted out, or files disputed.

    A person is found by any identifier that their instances carry, not by PatientID alone.
    """
    with haven.lake.connect(read_only=True) as connection:
        known = connection.execute(
            f"""
            SELECT DISTINCT m.PatientID, CAST(json_extract(i.elements,
                ['$."00101000"', '$."00101002"']) AS VARCHAR[])
            FROM ({_members()}) m LEFT JOIN {_at("instance", terms)} i USING (SOPInstanceUID)
            """,  # noqa: S608 - our own text, with parameters
            parameters(terms),
        ).fetchall()
        disputed = connection.execute(
            f"SELECT DISTINCT SOPInstanceUID FROM ({_members()}) "  # noqa: S608 - our own text
            "SEMI JOIN conflict USING (SOPInstanceUID)",
            parameters(terms),
        ).fetchall()
    found = {str(row[0]): State.CONFLICTING for row in disputed}
    # The ledger is asked after the lake was let go of: no verb waits for both.
    patients = _people_out(haven, terms.project, known)
    if patients:
        found |= dict.fromkeys(_instances_of(haven, terms, patients), State.OPTED_OUT)
    return found


def _people_out(haven: Haven, project: str, known: list[tuple[Any, ...]]) -> set[str]:
    names: dict[str, set[str]] = {}
    for patient, others in known:
        for name in (patient, *_other_ids(others or ())):
            if name:
                names.setdefault(name, set()).add(patient or "")
    return {
        patient for name in opted_out(haven, project, names) for patient in names[name] if patient
    }


def _other_ids(elements: Iterable[str | None]) -> Iterator[str]:
    for text in elements:
        element = json.loads(text) if text else {}
        for value in element.get("Value") or ():
            if isinstance(value, str):
                yield value
            elif isinstance(value, dict):
                yield from (str(v) for v in value.get("00100020", {}).get("Value") or () if v)


def _instances_of(haven: Haven, terms: Terms, patients: set[str]) -> list[str]:
    with haven.lake.connect(read_only=True) as connection:
        connection.register("people", pa.table({"id": pa.array(sorted(patients), pa.string())}))
        rows = connection.execute(
            f"SELECT SOPInstanceUID FROM ({_members()}) "  # noqa: S608 - our own text
            "WHERE PatientID IN (SELECT id FROM people)",
            parameters(terms),
        ).fetchall()
    return [str(row[0]) for row in rows]


def _members() -> str:
    return MEMBERS.replace("SELECT SOPInstanceUID", "SELECT *")


def _at(table: str, terms: Terms) -> str:
    return f"(SELECT * FROM {table} AT (VERSION => {int(terms.snapshot)}))"  # noqa: S608 - a number


def _query(terms: Terms, chosen: str) -> str:
    identity = ", ".join(f"'$.\"{tag}\"'" for tag in _IDENTITY)
    return f"""
    WITH member AS ({_members()}),
    found AS (
        SELECT m.*, i.Modality, i.InstanceNumber, i.content_sha256, i.size,
               i.source AS first_source,
               CAST(json_extract(i.elements, [{identity}]) AS VARCHAR[]) AS identity,
               row_number() OVER (
                   ORDER BY m.PatientID NULLS FIRST, m.StudyInstanceUID, m.SeriesInstanceUID,
                            i.InstanceNumber NULLS LAST, m.SOPInstanceUID
               ) - 1 AS seq
        FROM member m LEFT JOIN {_at("instance", terms)} i USING (SOPInstanceUID)
    ),
    people AS (
        SELECT PatientID, list(DISTINCT identity ORDER BY identity)[:{_MOST_IDENTITIES}] AS who
        FROM found WHERE PatientID <> '' AND identity IS NOT NULL GROUP BY PatientID
    ),
    places AS (
        SELECT f.SOPInstanceUID, list({{'source': s.source, 'path': s.path, 'size': s.size,
                   'members': CAST(s.members AS VARCHAR)}}
                   ORDER BY s.source <> f.first_source, s.source)[:{_SOURCES}] AS sources
        FROM found f JOIN {_at("source", terms)} s
            ON s.SOPInstanceUID = f.SOPInstanceUID AND s.content_sha256 = f.content_sha256
            AND s.replaced_run IS NULL
        GROUP BY f.SOPInstanceUID
    )
    SELECT f.seq, f.SOPInstanceUID, coalesce(f.Modality, ''), coalesce(f.content_sha256, ''),
           coalesce(f.size, 0), f.StudyInstanceUID, p.sources, w.who
    FROM found f LEFT JOIN places p USING (SOPInstanceUID) LEFT JOIN people w USING (PatientID)
    WHERE f.seq > ? AND {chosen}
    ORDER BY f.seq
    """  # noqa: S608 - our own text, with parameters


def _item(row: tuple[Any, ...]) -> Item:
    seq, uid, modality, sha256, size, study, sources, who = row
    return Item(
        seq=int(seq),
        SOPInstanceUID=str(uid),
        modality=str(modality),
        sha256=str(sha256),
        size=int(size),
        study=str(study),
        sources=[
            [place["source"], place["path"], place["members"], place["size"]]
            for place in sources or ()
        ],
        identities=[
            {
                tag: json.loads(text)
                for tag, text in zip(_IDENTITY, identity, strict=True)
                if text is not None
            }
            for identity in who or ()
        ],
    )


def nothing_requested(haven: Haven, terms: Terms) -> None:
    """Raise UserError when the cohort version has no members to ask for."""
    try:
        empty = extent(haven, terms).instances == 0
    except duckdb.CatalogException:
        empty = True
    if empty:
        raise UserError(
            f"Cohort {terms.cohort_label} of project {terms.project} has no instances. "
            "Look at its attrition with `imagehaven cohort`, and run it again."
        )
