"""The commands that retrieve from a PACS, and say how far they got."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, verb
from imagehaven.errors import UserError

if TYPE_CHECKING:
    from imagehaven.acquire.retrieve.request import Request
    from imagehaven.haven import Haven

_STUDY = ("day", "modalities", "state", "reason", "listed", "held", "fetched", "missing",
          "from_source")  # fmt: skip
_SHOWN = 50


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    verb(app, "retrieve", retrieve)
    verb(app, "retrieve-status", retrieve_status, reads="show the worklist")


def retrieve(
    call: Call,
    source: Annotated[str, typer.Argument(help="A source that HAVEN/pacs.yaml declares.")],
    first: Annotated[
        str | None, typer.Option("--from", help="The first study date.", metavar="YYYY-MM-DD")
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", help="The last study date; today without it.", metavar="YYYY-MM-DD"),
    ] = None,
    modality: Annotated[
        list[str] | None,
        typer.Option(
            help="Only studies that hold this modality, whole; may be repeated.", metavar="CT"
        ),
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option(
            "--list",
            help="The studies of a CSV file with a column AccessionNumber or StudyInstanceUID.",
            metavar="FILE",
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            help="The studies of a query on the catalogue with such a column.", metavar="SQL"
        ),
    ] = None,
    priority: Annotated[
        int, typer.Option(help="Requests to a source with a higher one come first.")
    ] = 0,
) -> None:
    """Retrieve studies from a PACS into a spool, and see that none of their instances is missing.

    First asks what there is and stores it as a worklist; then fetches what is not here yet, within
    the source's hours and rates. Killed at any moment and given again, it goes on. What came is in
    HAVEN/retrieved/SOURCE/incoming, for `imagehaven ingest`. With --check, only counts what there
    is. Ends with exit code 1 when something is missing or could not be found, and 3 when the source
    stays away.

    \b
    imagehaven -C my-haven retrieve main --from 2015-01-01 --to 2019-12-31 --modality CT --check
    imagehaven -C my-haven retrieve main --from 2015-01-01 --to 2019-12-31 --modality CT
    imagehaven -C my-haven retrieve main --list accessions.csv --priority 5
    imagehaven -C my-haven ingest my-haven/retrieved/main/incoming
    """
    from imagehaven import acquire
    from imagehaven.acquire.retrieve.actions import Watching

    haven = call.haven()
    acquire.check_source(haven, source)
    request = _request(haven, source, (first, last, modality), listed, query)
    with call.progress() as bar:
        watching = Watching(bar, _line)
        if call.check:
            expected = acquire.check_retrieval(haven, request, progress=watching)
        else:
            retrieved = acquire.retrieve_dicom(haven, request, priority=priority, progress=watching)
    if call.check:
        call.answer(expected, lambda: _show_expected(expected.summary()))
        if expected.cut or expected.not_found or expected.refused:
            raise typer.Exit(1)
        return
    call.answer(retrieved, lambda: _show_retrieved(retrieved.summary()))
    if not retrieved.whole:
        raise typer.Exit(1)


def retrieve_status(
    call: Call,
    number: Annotated[
        int | None, typer.Argument(help="One retrieval, with its studies; all without it.")
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(help="Only studies in this state.", metavar="STATE"),
    ] = None,
) -> None:
    """Show the worklist: every retrieval, or one with its studies and what is missing.

    A study is planned, arrived, partly, missing or failed, with a reason. With --json it has its
    UID, and each missing instance is listed.

    \b
    imagehaven -C my-haven retrieve-status
    imagehaven -C my-haven retrieve-status 3 --state missing --json
    """
    from imagehaven import acquire

    status = acquire.retrieve_status(call.haven(), number, state=state)
    call.answer(status, lambda: _show_status(status.summary()))


def _request(
    haven: Haven,
    source: str,
    days: tuple[str | None, str | None, list[str] | None],
    listed: Path | None,
    query: str | None,
) -> Request:
    from imagehaven.acquire.retrieve import request

    first, last, modality = days
    ways = [way for way in (first, listed, query) if way is not None]
    if len(ways) != 1 or (first is None and (last or modality)):
        raise UserError(
            "Say what to retrieve in one way: --from DATE (with --to and --modality, if you like), "
            "--list FILE, or --query SQL."
        )
    if listed is not None:
        return request.by_list(source, listed)
    if query is not None:
        return request.by_query(source, haven, query)
    until = _date(last, "--to") if last else datetime.now(UTC).date()
    return request.by_days(source, _date(first or "", "--from"), until, modality or ())


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{option} wants a date such as 2019-12-31.") from None


def _show_expected(told: Mapping[str, Any]) -> None:
    names = ("day", "studies", "series", "instances")
    rows = [tuple(_told(row[name]) for name in names) for row in told["days"]]
    total = ("in all", *(_told(told[name]) for name in names[1:]))
    screen.table(names, [*rows, total], title=f"What {told['source']} has")
    _explain(told)


def _show_retrieved(told: Mapping[str, Any]) -> None:
    facts = {name: told[name] for name in ("retrieval", "source", "spool")}
    for kind in ("studies", "instances"):
        facts |= {f"{kind} {state}": count for state, count in told[kind].items() if count}
    screen.facts({**facts, "seconds": round(told["seconds"], 1)}, title="Retrieved")
    _explain(told)
    lost = [f"{n} {state}" for state, n in told["studies"].items() if n and state != "arrived"]
    if lost:
        screen.say(
            f"Not everything arrived ({', '.join(lost)}): `imagehaven retrieve-status "
            f"{told['retrieval']}` says why. The same command, given again, fetches what lacks."
        )
    elif told["whole"]:
        screen.say("Every study arrived, with every instance that the source lists.")


def _explain(told: Mapping[str, Any]) -> None:
    for name, words in (
        ("by_time", "Days asked in parts, where a study without a time of day does not show"),
        ("cut", "Questions that the source answered only in part, so there may be more studies"),
        ("not_found", "Lines of the list without a study at this source"),
        ("refused", "Lines of the list without a usable number"),
    ):
        if told[name]:
            screen.say(f"{words}: {told[name]:,}.")


def _show_status(told: Mapping[str, Any]) -> None:
    rows = [
        (
            row["retrieval_id"],
            row["source"],
            row["state"],
            _asked(row["asked"]),
            row["priority"],
            *row["studies"].values(),
            row["instances"]["missing"],
            row["created_at"][:16],
        )
        for row in told["retrievals"]
    ]
    states = list(told["retrievals"][0]["studies"]) if rows else []
    screen.table(
        ("no", "source", "state", "asked", "priority", *states, "missing instances", "since"), rows
    )
    if told["studies"]:
        shown = [
            (_day(row["day"]), *(row[name] for name in _STUDY[1:]))
            for row in told["studies"][:_SHOWN]
        ]
        screen.table(_STUDY, shown, title="Studies")
        if len(told["studies"]) > _SHOWN:
            screen.say(f"{len(told['studies']) - _SHOWN:,} more studies: --json lists all")
    if told["questions"]:
        rows = [(row["part"], row["state"], row["reason"]) for row in told["questions"][:_SHOWN]]
        screen.table(("question", "state", "reason"), rows, title="Questions to look at")


def _asked(asked: Mapping[str, Any]) -> str:
    if "from" in asked:
        return " ".join([asked["from"], "to", asked["to"], *asked["modalities"]])
    return Path(asked["list"]).name if "list" in asked else "a query"


def _day(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 else text


def _told(value: object) -> object:
    return "not told" if value is None else value


def _line(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
