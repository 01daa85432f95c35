"""Commands for the archive: make a haven, fill its catalogue, ask it questions."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, group, verb
from imagehaven.errors import UserError


class Format(StrEnum):
    """How the answer of a query is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


class Priority(StrEnum):
    """Which loads give way to which."""

    bulk = "bulk"
    live = "live"


Engine = Annotated[
    str, typer.Option(help="Where work runs: pool, ray, or ray://HOST:10001.", metavar="ENGINE")
]
Workers = Annotated[
    int, typer.Option(help="Worker processes; 0 means one for each processor.", min=0)
]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    verb(app, "init", init)
    verb(app, "doctor", doctor, reads="test every store and leave nothing behind")
    verb(app, "ingest", ingest)
    verb(app, "curate", curate)
    verb(app, "query", query, reads="answer the query, which can only read")
    quarantine = group(app, "quarantine", "What could not be read, and why.")
    verb(quarantine, "list", quarantine_list, reads="list the quarantine")
    verb(quarantine, "retry", quarantine_retry)


def init(
    call: Call,
    haven: Annotated[Path, typer.Argument(help="The folder to make the haven in.")],
    database: Annotated[
        str, typer.Option(help="postgresql://USER@HOST/NAME, so that many writers work at once.")
    ] = "",
    objects: Annotated[
        str, typer.Option(help="s3://BUCKET/PREFIX for the lake's files, instead of a folder.")
    ] = "",
    s3_endpoint: Annotated[
        str, typer.Option(help="HOST:PORT of an S3 service other than AWS.")
    ] = "",
    s3_plain: Annotated[
        bool, typer.Option("--s3-plain", help="The S3 service speaks HTTP without TLS.")
    ] = False,
) -> None:
    """Make a haven: one folder with settings, keys and stores.

    A folder that is a haven already is brought to this version's schemas and keeps everything.

    \b
    imagehaven init my-haven
    imagehaven init my-haven --database postgresql://haven@db.local/haven --objects s3://lake/h1
    """
    from imagehaven import curate
    from imagehaven import haven as room

    options = room.Settings(
        name=haven.absolute().name,
        database=database,
        objects=objects,
        s3_endpoint=s3_endpoint,
        s3_tls=not s3_plain,
    )
    made = room.init(haven, options, check=call.check)
    if not call.check:
        # Tables and views at once, so that the first query finds them empty and not missing.
        curate.refresh(room.Haven.open(haven))
    call.answer(made, lambda: screen.facts(made.summary(), title="Haven"))


def doctor(call: Call) -> None:
    """Test every store, key, font, decoder and permission, and say how to mend each.

    Ends with exit code 1 when something that the haven needs does not work.

    \b
    imagehaven -C my-haven doctor
    """
    from imagehaven import haven as room

    health = room.doctor(call.haven())
    rows = [
        (found.name, _mark(found.ok, needed=found.needed), found.detail, found.remedy)
        for found in health.findings
    ]
    call.answer(health, lambda: screen.table(("what", "state", "seen", "remedy"), rows))
    if not health.healthy:
        raise typer.Exit(1)


def ingest(
    call: Call,
    paths: Annotated[
        list[Path], typer.Argument(help="Folders, zip or tar archives, DICOMDIRs or files.")
    ],
    engine: Engine = "pool",
    workers: Workers = 0,
    priority: Annotated[
        Priority, typer.Option(help="A live load goes first: bulk ones wait between commits.")
    ] = Priority.bulk,
) -> None:
    """Read every header once and catalogue every element; quarantine what cannot be read.

    Killed at any moment and repeated, it ends with the rows of an uninterrupted run.

    \b
    imagehaven -C my-haven ingest /archive/2019 backup.tar.gz
    imagehaven -C my-haven ingest /archive --engine ray://head:10001
    """
    from imagehaven import catalogue

    haven = call.haven()
    with call.progress() as progress:
        report = catalogue.ingest(
            haven,
            paths,
            engine=engine,
            workers=workers,
            priority=priority.value,
            progress=progress,
            check=call.check,
        )
    call.answer(report, lambda: screen.facts(report.summary(), title="Ingest"))


def quarantine_list(
    call: Call,
    reason: Annotated[str, typer.Option(help="Only what was set aside for this reason.")] = "",
) -> None:
    """List what could not be read: its file, the reason, and what mends it.

    \b
    imagehaven -C my-haven quarantine list --reason truncated
    """
    from imagehaven import catalogue

    found = catalogue.quarantined(call.haven(), reason=reason or None)
    told = found.summary()

    def show() -> None:
        screen.records(found.objects)
        counts = told["quarantined_by_reason"]
        rows = [(name, counts[name], remedy) for name, remedy in told["remedies"].items()]
        if rows:
            screen.table(("reason", "objects", "what to do"), rows)

    call.answer({**told, "objects": found.objects}, show)


def quarantine_retry(
    call: Call,
    reason: Annotated[str, typer.Option(help="Only what was set aside for this reason.")] = "",
    engine: Engine = "pool",
    workers: Workers = 0,
) -> None:
    """Read what is in quarantine once more, after the files or the software were mended.

    \b
    imagehaven -C my-haven quarantine retry --reason unreadable
    """
    from imagehaven import catalogue

    haven = call.haven()
    with call.progress() as progress:
        report = catalogue.retry(
            haven,
            reason=reason or None,
            engine=engine,
            workers=workers,
            progress=progress,
            check=call.check,
        )
    call.answer(report, lambda: screen.facts(report.summary(), title="Retry"))


def curate(call: Call) -> None:
    """Make the curated views anew from their declarations: one for each modality.

    Needed after a tag was promoted in the YAML; nothing is read again.

    \b
    imagehaven -C my-haven curate
    """
    from imagehaven import curate as room

    report = room.curate(call.haven(), check=call.check)
    call.answer(report, lambda: screen.facts(report.summary(), title="Curated views"))


def query(
    call: Call,
    sql: Annotated[str, typer.Argument(help="One SELECT statement on the lake.")],
    format: Annotated[Format, typer.Option(help="How to write the answer.")] = Format.table,
    output: Annotated[
        Path | None, typer.Option(help="Write to this file instead of standard output.")
    ] = None,
) -> None:
    """Ask the lake in SQL. A query can read the lake, and nothing else.

    \b
    imagehaven -C my-haven query "SELECT Modality, count(*) AS n FROM series GROUP BY ALL"
    imagehaven -C my-haven query "FROM quarantine" --format csv --output quarantine.csv
    """
    from imagehaven import catalogue

    form: Literal["table", "csv", "json", "parquet"] = "json" if call.as_json else format.value
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise UserError("Parquet is not for a terminal: give --output FILE, or pipe it on.")
    answer = catalogue.query(call.haven(), sql, format=form)
    content = answer.encode() if isinstance(answer, str) else answer
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise UserError(f"{output} cannot be written: {error.strerror}.") from error


def _mark(ok: bool, *, needed: bool) -> str:
    if ok:
        return "ok"
    return "FAILS" if needed else "absent"
