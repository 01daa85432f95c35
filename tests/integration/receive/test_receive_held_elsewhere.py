"""Storage commitment also answers for what the catalogue holds, and for nothing else."""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

import pytest

from catalogue_files import write_instance
from commitment_peer import CONTEXTS, MR, asked, told
from dicom_peer import CT, Peer
from imagehaven import catalogue
from imagehaven.errors import TransientError
from imagehaven.haven import Haven
from receiving import running

MISSING, CONFLICT, FAILURE = 0x0112, 0x0119, 0x0110


def test_what_the_catalogue_holds_is_committed_to(haven: Haven, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    for number in range(5):
        write_instance(archive / f"{number}.dcm", f"1.2.3.{number}", PatientName=f"N{number}")
    write_instance(archive / "other.dcm", "1.2.3.4", PatientName="Another")
    catalogue.ingest(haven, [archive], engine="inline")
    damaged = (archive / "1.dcm").read_bytes()
    (archive / "1.dcm").write_bytes(damaged[:-1] + b"?")
    (archive / "2.dcm").unlink()
    holds = partial(catalogue.held, haven)
    with running(tmp_path / "spool", holds=holds) as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        assert peer.store(1, CT, "1.2.9", b"data") == 0
        wanted = [(CT, f"1.2.3.{number}") for number in (0, 1, 2, 4)]
        with asked(peer, *wanted, (MR, "1.2.3.3"), (CT, "1.2.9"), (CT, "1.2.8")) as report:
            reasons = {
                "1.2.3.1": MISSING, "1.2.3.2": MISSING, "1.2.3.4": MISSING, "1.2.3.3": CONFLICT,
                "1.2.8": MISSING,
            }  # fmt: skip
            assert told(report) == (2, {"1.2.3.0", "1.2.9"}, reasons)


def test_the_catalogue_is_asked_only_for_what_the_spool_lacks(tmp_path: Path) -> None:
    asked_for: list[set[str]] = []

    def holds(instances: Collection[str]) -> Mapping[str, Collection[str]]:
        asked_for.append(set(instances))
        return {}

    with running(tmp_path / "spool", holds=holds) as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        assert peer.store(1, CT, "1.2.1", b"data") == 0
        with asked(peer, (CT, "1.2.1")) as report:
            assert told(report)[0] == 1
        with asked(peer, (CT, "1.2.1"), (CT, "1.2.2")) as report:
            assert told(report) == (2, {"1.2.1"}, {"1.2.2": MISSING})
    assert asked_for == [{"1.2.2"}]


def test_a_catalogue_out_of_reach_promises_nothing(tmp_path: Path) -> None:
    def holds(_instances: Collection[str]) -> Mapping[str, Collection[str]]:
        raise TransientError("the lake did not answer")

    with running(tmp_path / "spool", holds=holds) as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        assert peer.store(1, CT, "1.2.1", b"data") == 0
        with asked(peer, (CT, "1.2.1"), (CT, "1.2.2")) as report:
            assert told(report) == (2, {"1.2.1"}, {"1.2.2": FAILURE})
        peer.release()
        assert ours.outcomes(1) == ["released"]


def test_a_member_of_an_archive_is_not_held(haven: Haven, tmp_path: Path) -> None:
    import zipfile

    inner = write_instance(tmp_path / "a.dcm", "1.2.3.1")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(inner, "a.dcm")
    catalogue.ingest(haven, [tmp_path / "all.zip"], engine="inline")
    assert catalogue.held(haven, ["1.2.3.1", "1.2.3.2"]) == {}
    catalogue.ingest(haven, [inner], engine="inline")
    assert catalogue.held(haven, ["1.2.3.1"]) == {"1.2.3.1": {CT}}


@pytest.mark.parametrize("instances", [[], ["'; DROP TABLE instance; --"], ["1.2"] * 2500])
def test_any_question_is_answered(haven: Haven, instances: list[str]) -> None:
    catalogue.prepare(haven)
    assert catalogue.held(haven, instances) == {}
