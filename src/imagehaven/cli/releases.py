"""Commands for releases, and the two stateless twins that need no haven."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from imagehaven.cli import screen
from imagehaven.cli.archive import Engine, Workers
from imagehaven.cli.call import Call, group, verb

#: Findings that are shown to people one by one.
_SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    verb(app, "deidentify", deidentify)
    verb(app, "identifiable", identifiable, reads="read the files and list what it finds")
    verb(app, "release", release)
    verb(app, "rerun", rerun)
    about = "People whose data no release may hold. No flag goes round this list."
    opt_out = group(app, "opt-out", about)
    verb(opt_out, "add", opt_out_add)
    verb(opt_out, "list", opt_out_list, reads="count the opt-outs")


def deidentify(
    call: Call,
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A file or a folder of DICOM.")],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="The folder to write to.")],
    key: Annotated[Path, typer.Option(help="A file with the secret that pseudonyms come from.")],
    mapping: Annotated[
        Path | None, typer.Option(help="Also write this CSV of kind,original,pseudonym.")
    ] = None,
    profile: Annotated[str, typer.Option(help="The de-identification profile.")] = "research",
    engine: Engine = "pool",
    workers: Workers = 0,
) -> None:
    """De-identify files without a haven. What is withheld is listed with its reason.

    \b
    imagehaven deidentify scans/ out/ --key project.key --mapping mapping.csv --json
    """
    from imagehaven import deidentify as room

    with call.progress() as progress:
        report = room.deidentify(
            source,
            destination,
            key=key,
            mapping=mapping,
            profile=profile,
            engine=engine,
            workers=workers,
            progress=progress,
            check=call.check,
        )
    call.answer(report, lambda: screen.facts(report.summary(), title="De-identified"))


def identifiable(
    call: Call,
    path: Annotated[
        str, typer.Argument(help="A file, a folder, lake:TABLE, or a postgresql:// URL.")
    ] = "",
    table: Annotated[
        str, typer.Option(help="A table or view of the haven's lake or the database.")
    ] = "",
    rules: Annotated[
        list[Path] | None, typer.Option(help="A rules file to lay over the others; repeatable.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the findings in the haven, for review.")
    ] = False,
) -> None:
    """Look for identifiers in files or a table: file, location, class, rule, detector.

    Findings never show the value itself. With --json all are listed, else counts and the first.
    A haven, where one is named, gives its rules and its reviewers' decisions.

    \b
    imagehaven identifiable out/ --json
    imagehaven -C my-haven identifiable --table study
    imagehaven identifiable postgresql://reader@db/ris --table public.exam
    """
    from imagehaven import verify

    with call.progress() as progress:
        findings = verify.identifiable(
            path or None,
            table=table or None,
            rules=rules or None,
            haven=call.haven_if_named(),
            keep=record,
            progress=lambda done: progress("files checked", done, None),
        )
    found = [finding.to_dict() for finding in findings]
    call.answer(found, lambda: _show_findings(found))


def _show_findings(found: list[dict[str, Any]]) -> None:
    counts = Counter((row["value_class"], row["rule"]) for row in found)
    files = len({row["file"] for row in found})
    rows = [(*key, count) for key, count in counts.most_common()]
    screen.table(("class", "rule", "findings"), rows, title=f"{len(found)} in {files} files")
    if found:
        columns = ("file", "location", "value_class", "rule", "shape")
        first = [{name: row[name] for name in columns} for row in found[:_SHOWN]]
        screen.records(first, title=f"The first {len(first)}; --json lists all")


def release(
    call: Call,
    project: Annotated[str, typer.Argument(metavar="P", help="The project.")],
    cohort: Annotated[str, typer.Argument(help="The cohort's name, or NAME@VERSION.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder to release to.")],
    profile: Annotated[str, typer.Option(help="Another profile than the haven's.")] = "",
    k: Annotated[
        int, typer.Option("--k", help="The fewest patients that may share rare values; 0 for any.")
    ] = 0,
    quasi_identifier: Annotated[
        list[str] | None,
        typer.Option(help="What --k is about, instead of PatientAge and PatientSex; repeatable."),
    ] = None,
    engine: Engine = "pool",
    workers: Workers = 0,
) -> None:
    """De-identify, verify and write a cohort's files, with manifest, reports and README.

    Killed and repeated, it goes on. No flag goes round opt-outs or the verifier.

    \b
    imagehaven -C my-haven release lung-2026 chest_ct --to /zones/lung-2026
    imagehaven -C my-haven release lung-2026 chest_ct --to /zones/lung-k5 --k 5
    """
    from imagehaven import release as room

    haven = call.haven()
    with call.progress() as progress:
        report = room.release(
            haven,
            project,
            cohort,
            to=to,
            profile=profile or None,
            k=k,
            quasi_identifiers=quasi_identifier or (),
            engine=engine,
            workers=workers,
            progress=progress,
            check=call.check,
        )
    call.answer(report, lambda: screen.facts(report.summary(), title="Release"))


def rerun(
    call: Call,
    release: Annotated[str, typer.Argument(help="The release's name, as its report says.")],
    to: Annotated[
        Path | None, typer.Option(help="Keep the second making in this folder.", metavar="DIR")
    ] = None,
    engine: Engine = "pool",
    workers: Workers = 0,
) -> None:
    """Make a release again and compare: the same bytes, or an explanation of each difference.

    Ends with exit code 1 when something differs.

    \b
    imagehaven -C my-haven rerun lung-2026-chest_ct-v1-r1
    """
    from imagehaven import release as room

    haven = call.haven()
    with call.progress() as progress:
        report = room.rerun(
            haven,
            release,
            to=to,
            engine=engine,
            workers=workers,
            progress=progress,
            check=call.check,
        )
    call.answer(report, lambda: screen.facts(report.summary(), title="Rerun"))
    if not (report.identical or report.checked):
        raise typer.Exit(1)


def opt_out_add(
    call: Call,
    files: Annotated[
        list[Path],
        typer.Argument(help="CSV with a column PatientID, or text with one identifier a line."),
    ],
    project: Annotated[str, typer.Option(help="Only for this project; else for all.")] = "",
) -> None:
    """Add people to the opt-out list. Only a keyed hash of each identifier is kept.

    \b
    imagehaven -C my-haven opt-out add opted-out.csv
    """
    from imagehaven import link

    added = link.opt_out(call.haven(), files, project=project or None, check=call.check)
    call.answer(added, lambda: screen.facts(added.summary(), title="Opt-outs"))


def opt_out_list(call: Call) -> None:
    """Count the opt-outs, for every project and for each; who they are stays hashed.

    \b
    imagehaven -C my-haven opt-out list
    """
    from imagehaven import link

    found = link.opt_outs(call.haven())
    call.answer(found, lambda: screen.facts(found, title="Opt-outs"))
