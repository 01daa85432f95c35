"""A sample of one release in the ledger: what was chosen, what people saw, and what that proves."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import Connection, insert, select, update

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.ledger.clock import now
from imagehaven.verify.review.store import seal, unseal
from imagehaven.verify.sampling.bounds import hypergeometric_upper, sample_size, stratified_upper
from imagehaven.verify.sampling.choose import Stratum, Unit, choose

UNITS: Final = ("file", "frame")
VERDICTS: Final = ("clean", "found")
HEADING: Final = ("path", "frame", "verdict")
_RELEASED: Final = "released"
_BATCH: Final = 500


@dataclass(frozen=True)
class Sample:
    """A sample and its state. ``bound`` is what was asked for, ``upper`` what is proved so far.

    ``upper`` is the largest residual rate that what people saw leaves possible at ``confidence``;
    None until every stratum was looked at.
    """

    sample: str
    release: str
    unit: str
    bound: float
    confidence: float
    population: int
    chosen: int
    seen: int
    found: int
    upper: float | None
    strata: tuple[Stratum, ...]
    checked: bool = False

    @property
    def statement(self) -> str:
        """What the looking has shown, as a sentence."""
        sure = f"{self.confidence:.4g}"
        told = f"{self.found:,} of {self.seen:,} {self.unit}s found"
        if self.upper is None:
            left = self.chosen - self.seen
            return f"{told}: nothing is proved before every stratum was seen ({left:,} to go)"
        rate = f"{100 * self.upper:.3g} %"
        return f"{told}: residual rate at most {rate} at {100 * float(sure):.4g} %"

    def summary(self) -> dict[str, Any]:
        """The sample in plain values."""
        row = asdict(self)
        row["strata"] = [{**asdict(one), "share": round(one.share, 6)} for one in self.strata]
        return {**row, "statement": self.statement}


def upper_rate(found: int, strata: Sequence[Stratum], confidence: float) -> float | None:
    """Return the bound on the rate in all strata together; None where one was not looked at."""
    population = sum(one.population for one in strata)
    share = min((one.share for one in strata), default=0.0)
    if not share:
        return None
    if len(strata) == 1:
        worst = hypergeometric_upper(found, strata[0].chosen, population, confidence)
    else:
        worst = stratified_upper(found, share, population, confidence)
    return worst / population


def planned(haven: Haven, release: str, unit: str, bound: float, confidence: float) -> list[Unit]:
    """Choose the units of a sample; raises UserError where the release has none."""
    units = list(_units(haven, release, unit))
    if not units:
        raise UserError(
            f"Release {release} has no released files. `imagehaven release` names its releases; "
            "check the name."
        )
    return choose(
        units, sample_size(len(units), bound, confidence), haven.keyring, f"sample/{release}"
    )


def keep(
    haven: Haven, sample: str, release: str, chosen: Sequence[Unit], terms: dict[str, Any]
) -> None:
    """Write a new sample, or add to it what a stricter bound chooses; verdicts stay."""
    populations = Counter(unit.stratum for unit in _units(haven, release, terms["unit"]))
    names = sorted(populations)
    strata = [[name, populations[name]] for name in names]
    row = {**terms, "strata": seal(haven, strata).hex()}
    table, items = schema.sample, schema.sample_item
    with haven.ledger.begin() as connection:
        if connection.execute(select(table.c.sample).where(table.c.sample == sample)).first():
            connection.execute(update(table).where(table.c.sample == sample).values(terms=row))
        else:
            connection.execute(
                insert(table).values(
                    sample=sample, release=release, at=now(), actor=haven.ledger.actor, terms=row
                )
            )
        held = connection.execute(
            select(items.c.path, items.c.frame).where(items.c.sample == sample)
        )
        known = {(path, frame) for path, frame in held}
        rows = [
            {
                "sample": sample, "path": unit.path, "frame": unit.frame,
                "stratum": names.index(unit.stratum),
            }
            for unit in chosen
            if (unit.path, unit.frame) not in known
        ]  # fmt: skip
        if rows:
            connection.execute(insert(items), rows)


def read(haven: Haven, sample: str) -> Sample:
    """A sample as the ledger knows it; raises UserError naming those that are there."""
    table, items = schema.sample, schema.sample_item
    with haven.ledger.begin() as connection:
        row = connection.execute(select(table).where(table.c.sample == sample)).first()
        names = ", ".join(connection.execute(select(table.c.sample)).scalars()) or "none yet"
        verdicts = connection.execute(
            select(items.c.stratum, items.c.verdict).where(items.c.sample == sample)
        ).all()
    if row is None:
        raise UserError(
            f"There is no sample {sample!r}. The samples: {names}. `imagehaven review sample "
            "RELEASE` makes one."
        )
    seen = Counter(stratum for stratum, verdict in verdicts if verdict)
    named = unseal(haven, bytes.fromhex(row.terms["strata"]))
    strata = tuple(
        Stratum(name, population, seen[number]) for number, (name, population) in enumerate(named)
    )
    found = sum(verdict == "found" for _, verdict in verdicts)
    return Sample(
        sample=sample,
        release=row.release,
        unit=row.terms["unit"],
        bound=row.terms["bound"],
        confidence=row.terms["confidence"],
        population=sum(one.population for one in strata),
        chosen=len(verdicts),
        seen=sum(seen.values()),
        found=found,
        upper=upper_rate(found, strata, row.terms["confidence"]),
        strata=strata,
    )


def write_list(haven: Haven, sample: str, path: Path) -> None:
    """Write what people are to look at, with what they said so far, as CSV."""
    table = schema.sample_item
    columns = (table.c.path, table.c.frame, table.c.verdict)
    with haven.ledger.begin() as connection:
        rows = connection.execute(
            select(*columns).where(table.c.sample == sample).order_by(table.c.path, table.c.frame)
        ).all()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADING)
        writer.writerows((path, frame, verdict or "") for path, frame, verdict in rows)


def read_verdicts(path: Path) -> dict[tuple[str, int], str]:
    """The verdicts of a filled list; raises UserError naming the line at fault."""
    found: dict[tuple[str, int], str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not set(HEADING) <= set(rows.fieldnames or ()):
                raise UserError(f"{path}: the first line must name {', '.join(HEADING)}.")
            for line, row in enumerate(rows, start=2):
                verdict = (row["verdict"] or "").strip().lower()
                frame = (row["frame"] or "").strip()
                if not verdict:
                    continue
                if verdict not in VERDICTS or not frame.isdigit():
                    raise UserError(
                        f"{path}, line {line}: the verdict must be {' or '.join(VERDICTS)} (or "
                        "empty), and the frame a number."
                    )
                found[row["path"] or "", int(frame)] = verdict
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: the list cannot be read as CSV; check the path.") from error
    return found


def set_verdicts(haven: Haven, sample: str, verdicts: dict[tuple[str, int], str]) -> None:
    """Write down what people saw; raises UserError where a file is none of the sample's."""
    table = schema.sample_item
    with haven.ledger.begin() as connection:
        rows = connection.execute(
            select(table.c.path, table.c.frame).where(table.c.sample == sample)
        )
        held = {(path, frame) for path, frame in rows}
        strangers = len(verdicts.keys() - held)
        if strangers:
            raise UserError(
                f"{strangers} files of the list are none of sample {sample}. Take the list that "
                "`imagehaven review sample --to` writes."
            )
        for (path, frame), verdict in sorted(verdicts.items()):
            connection.execute(
                update(table)
                .where(table.c.sample == sample, table.c.path == path, table.c.frame == frame)
                .values(verdict=verdict, actor=haven.ledger.actor, at=now())
            )


def _units(haven: Haven, release: str, unit: str) -> Iterator[Unit]:
    """Yield the released files, or their frames, with their strata."""
    with haven.ledger.begin() as connection:
        released = pa.table(_released(connection, release), schema=_COLUMNS)
    with haven.lake.connect(read_only=True) as lake:
        lake.register("released_now", released)
        rows = lake.execute(_STRATA).fetchall()
    for path, modality, device, sop_class, frames in rows:
        stratum = " · ".join((modality, device.strip() or "unknown device", sop_class))
        for frame in range(1, max(1, frames) + 1) if unit == "frame" else (0,):
            yield Unit(path, frame, stratum)


_COLUMNS: Final = pa.schema([("SOPInstanceUID", pa.string()), ("path", pa.string())])
_STRATA: Final = """
    SELECT r.path, coalesce(i.Modality, ''),
           concat_ws(' ', s.Manufacturer, s.ManufacturerModelName),
           coalesce(i.SOPClassUID, ''), coalesce(i.NumberOfFrames, 1)
    FROM released_now r
    LEFT JOIN instance i USING (SOPInstanceUID)
    LEFT JOIN series s ON s.SeriesInstanceUID = i.SeriesInstanceUID
    ORDER BY r.path
"""


def _released(connection: Connection, release: str) -> dict[str, list[Any]]:
    table = schema.release_item
    rows = connection.execute(
        select(table.c.SOPInstanceUID, table.c.path).where(
            table.c.release == release, table.c.state == _RELEASED
        )
    ).all()
    return {"SOPInstanceUID": [row[0] for row in rows], "path": [row[1] for row in rows]}
