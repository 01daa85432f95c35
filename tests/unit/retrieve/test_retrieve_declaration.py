"""pacs.yaml is read with the line at fault; lists are read without trusting them."""

from datetime import date
from pathlib import Path

import pytest

from imagehaven.acquire.retrieve.request import by_days, by_list
from imagehaven.acquire.retrieve.sources.reading import parse_sources
from imagehaven.acquire.retrieve.sources.source import Dicomweb, Dimse, secret
from imagehaven.errors import UserError

WHOLE = """\
time_zone: Europe/London
sources:
  main:
    kind: dimse
    host: 127.0.0.1
    port: 104
    title: PACS1
    our_title: RESEARCH
    retrieve: c-move
    destination: {title: RESEARCH, port: 11112, senders: ["PACS1@127.0.0.1"], settle: 2}
    priority: low
    tls: {authority: ca.pem, certificate: ours.pem, key: ours.key}
    secondary: archive
    limits:
      hours: ["20:00-06:00", "Sat,Sun 00:00-24:00"]
      associations: 2
      studies_per_second: 0.5
      megabytes_per_second: 20
      results: 500
      attempts: 4
      timeout: 60
      pause: {first: 5, longest: 600, patience: 7200}
    spool: elsewhere
  archive:
    kind: dicomweb
    url: https://archive.example/dicom-web
    token: env:ARCHIVE_TOKEN
"""
PLACE = Path("/haven/pacs.yaml")


def test_everything_that_can_be_declared_is_read() -> None:
    sources = parse_sources(WHOLE, PLACE)
    main, archive = sources["main"], sources["archive"]
    assert isinstance(main.peer, Dimse)
    assert isinstance(archive.peer, Dicomweb)
    assert (main.peer.our_title, main.peer.retrieve, main.peer.priority) == (
        "RESEARCH",
        "c-move",
        2,
    )
    assert main.peer.destination is not None
    assert main.peer.destination.settle == 2
    assert main.peer.tls is not None
    assert main.peer.tls.authority == Path("/haven/ca.pem")
    assert main.secondary == "archive"
    assert main.spool == Path("/haven/elsewhere")
    limits = main.limits
    assert (limits.associations, limits.attempts, limits.results) == (2, 4, 500)
    assert (limits.studies_per_second, limits.megabytes_per_second) == (0.5, 20)
    assert (limits.pause_first, limits.pause_longest, limits.patience) == (5, 600, 7200)
    assert len(limits.windows) == 2
    assert str(limits.zone) == "Europe/London"
    assert archive.peer.token == "env:ARCHIVE_TOKEN"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("kind: dimse", "kind: dicom", 4, "dimse, dicomweb"),
        ("port: 104", "port: 1040000", 6, "from 1 to 65535"),
        ("port: 104", "prot: 104", 6, "Valid choices"),
        ("title: PACS1", "title: A TITLE THAT IS TOO LONG", 7, "1 to 16"),
        ("retrieve: c-move", "retrieve: c-store", 9, "c-get, c-move"),
        ("senders: [", "senders: [x@y@, ", 10, "host"),
        ("priority: low", "priority: lowest", 11, "medium, high, low"),
        (", key: ours.key", "", 12, "go together"),
        ("secondary: archive", "secondary: other", 13, "no other source"),
        ("secondary: archive", "secondary: main", 13, "no other source"),
        ("20:00-06:00", "20-6", 15, "20:00-06:00"),
        ("associations: 2", "associations: 2.5", 16, "whole number"),
        ("studies_per_second: 0.5", "studies_per_second: fast", 17, "number"),
        ("patience: 7200", "pateince: 7200", 22, "patience"),
        ("token: env:ARCHIVE_TOKEN", "token: hunter2", 27, "does not stand in this file"),
        ("https://archive.example", "https://u:p@archive.example", 26, "do not stand in a URL"),
        ("https://archive.example/dicom-web", "archive.example", 26, "https://"),
        ("Europe/London", "Europe/Londres", 1, "no time zone"),
        ("    port: 104\n", "", 3, "`port:` is missing"),
        ("    port: 104\n", "    port: 104\n    port: 105\n", 7, "second time"),
        ("sources:", "sources: [", 4, "not valid YAML"),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, line: int, says: str) -> None:
    assert old in WHOLE
    with pytest.raises(UserError) as told:
        parse_sources(WHOLE.replace(old, new, 1), PLACE)
    assert str(told.value).startswith(f"{PLACE}, line {line}")
    assert says in str(told.value)
    assert "hunter2" not in str(told.value)


def test_c_move_needs_its_destination() -> None:
    lines = [line for line in WHOLE.splitlines(keepends=True) if "destination:" not in line]
    with pytest.raises(UserError, match="c-move needs a `destination:`"):
        parse_sources("".join(lines), PLACE)


def test_secrets_come_from_where_they_are_referred_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_A_TEST", "s3cret")
    (tmp_path / "token").write_text("from a file\n")
    assert secret("env:TOKEN_OF_A_TEST", "main") == "s3cret"
    assert secret(f"file:{tmp_path / 'token'}", "main") == "from a file"
    with pytest.raises(UserError, match="NO_SUCH_TOKEN, which is not set"):
        secret("env:NO_SUCH_TOKEN", "main")
    with pytest.raises(UserError, match="cannot be read"):
        secret(f"file:{tmp_path / 'none'}", "main")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_names_studies_by_accession_number_or_uid(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "list.csv"
    rows = [
        "note,AccessionNumber,StudyInstanceUID",
        "a,A1,",
        "b,,1.2.3",
        "c,A*,",
        "d,A1,",
        "e,A2,nonsense",
        ",,",
        "f,,",
    ]
    path.write_text("\n".join(rows).replace(",", delimiter), encoding="utf-8-sig")
    request = by_list("main", path)
    assert [(part.line, part.keyword, part.value) for part in request.parts] == [
        (2, "AccessionNumber", "A1"),
        (3, "StudyInstanceUID", "1.2.3"),
        (6, "AccessionNumber", "A2"),
    ]
    assert request.refused == (4, 8)
    assert "A1" not in str(request.asked)


def test_a_list_without_a_usable_column_or_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("accession\nA1\n")
    with pytest.raises(UserError, match="no column StudyInstanceUID or AccessionNumber"):
        by_list("main", path)
    path.write_text("AccessionNumber\n*\n")
    with pytest.raises(UserError, match="names no study"):
        by_list("main", path)
    with pytest.raises(UserError, match="cannot be read"):
        by_list("main", tmp_path / "none.csv")


def test_a_range_is_asked_day_by_day_and_modality_by_modality() -> None:
    request = by_days("main", date(2020, 2, 28), date(2020, 3, 1), ["CT", "MR"])
    assert len(request.parts) == 6
    with pytest.raises(UserError, match="before it begins"):
        by_days("main", date(2020, 2, 2), date(2020, 2, 1))
    with pytest.raises(UserError, match="no modality"):
        by_days("main", date(2020, 2, 1), date(2020, 2, 2), ["ct*"])
