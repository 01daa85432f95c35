"""The command `imagehaven watch`: started, stopped, killed, and beside a receiver."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from pydicom.data import get_testdata_file
from typer.testing import CliRunner

from catalogue_files import rows_of, write_archive_of_patients, write_instance
from imagehaven import catalogue
from imagehaven.cli.main import app
from imagehaven.haven import Haven, Settings
from receiving import dcmtk, eventually, process
from servers.ports import free_port
from watching import once, watching

# A watch that rests after each commit, so that the fastest machine is in the middle when killed.
RESTING = """
import sys, time
from pathlib import Path
from imagehaven import catalogue
from imagehaven.acquire.watch import WatchOptions
from imagehaven.catalogue.loading import run
from imagehaven.haven import Haven

commit = run.commit_chunks

def resting(*arguments):
    commit(*arguments)
    print("committed", flush=True)
    time.sleep(3600)

run.commit_chunks = resting
options = WatchOptions(places=(sys.argv[2],), once=True, settle=0, engine="inline")
catalogue.watch(Haven.open(Path(sys.argv[1])), options)
"""


def test_sigterm_ends_it_in_order_and_ctrl_c_too(haven: Haven, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    for number, how in enumerate((signal.SIGTERM, signal.SIGINT)):
        write_instance(drop / f"{number}.dcm", f"1.2.3.{number}")
        with watching(haven.folder, drop, "--settle", 0) as told:
            assert told.until("batch")["catalogued"] == 1
            told.process.send_signal(how)
            assert told.process.stdout is not None
            answer = json.loads(told.process.stdout.read())
            assert told.process.wait(60) == 0
        assert (answer["catalogued"], answer["batches"]) == (1, 1)


def test_what_comes_while_it_watches_is_taken(haven: Haven, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    with watching(haven.folder, drop, "--settle", "0.3") as told:
        for number in range(2):
            write_instance(drop / f"{number}.dcm", f"1.2.3.{number}")
            batch = told.until("batch")
            assert (batch["place"], batch["found"], batch["catalogued"]) == (str(drop), 1, 1)


def test_a_place_that_is_lost_is_told_and_found_again(haven: Haven, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    with watching(haven.folder, drop, "--settle", 0) as told:
        lost = told.until("unreachable")
        assert lost["why"] == "No such file or directory"
        # The pause doubles while it stays away.
        assert told.until("unreachable")["again_in"] == "0.4 s"
        write_instance(drop / "a.dcm")
        assert told.until("batch")["catalogued"] == 1
        told.until("reachable")


def test_a_watch_killed_within_a_batch_ends_like_one_that_was_not(tmp_path: Path) -> None:
    drop = write_archive_of_patients(tmp_path / "drop", 60)
    options = Settings(name="test", workers=1, chunk_items=20, commit_items=20)
    killed = Haven.create(tmp_path / "killed", options)
    for _ in range(2):  # each run commits one chunk more before it rests
        command = [sys.executable, "-c", RESTING, str(killed.folder), str(drop)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == "committed\n"
            running.kill()
    left = once(killed, drop)
    assert left.batches == 1
    straight = Haven.create(tmp_path / "straight", options)
    once(straight, drop)
    assert rows_of(killed) == rows_of(straight)
    assert once(killed, drop).found == 0
    for haven in (killed, straight):
        haven.ledger.close()


def test_one_look_waits_for_files_to_settle(haven: Haven, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    write_instance(drop / "a.dcm")
    words = ["-C", str(haven.folder), "watch", str(drop), "--once", "--settle", "0.5", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["looks"], told["catalogued"]) == (2, 1)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["watching", "batch"]


def test_one_look_at_a_place_out_of_reach_ends_with_three(haven: Haven, tmp_path: Path) -> None:
    words = ["-C", str(haven.folder), "watch", str(tmp_path / "gone"), "--once"]
    done = subprocess.run(
        [sys.executable, "-m", "imagehaven", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "unreachable place=" in done.stderr
    assert "No such file or directory" in done.stderr


def test_what_a_receiver_takes_in_is_catalogued_beside_it(haven: Haven) -> None:
    sources = [str(get_testdata_file(name)) for name in ("CT_small.dcm", "MR_small.dcm")]
    port = free_port()
    # Without a place the haven's own spool is watched, whether a receiver has run before or not.
    with watching(haven.folder) as told, process(haven.folder, port):
        for source in sources:
            sent = dcmtk("dcmsend", "-aec", "IMAGEHAVEN", "127.0.0.1", port, source)
            assert sent.returncode == 0, sent.stderr
            assert told.until("batch")["catalogued"] == 1
    kept = sorted((haven.folder / "spool" / "incoming").rglob("*.dcm"))
    rows = haven.sql("SELECT source FROM source ORDER BY 1").to_pylist()
    assert [row["source"] for row in rows] == [str(path) for path in kept]
    assert len(kept) == 2


def test_the_drafts_of_a_receiver_are_never_catalogued(haven: Haven) -> None:
    spool = haven.folder / "spool"
    with process(haven.folder, free_port()):
        eventually((spool / "drafts").is_dir)
        write_instance(spool / "drafts" / "1.part")
        write_instance(spool / "incoming" / "2026-01-01" / "study" / "a.dcm", "1.2.3.9")
        for place in (spool, spool / "incoming"):
            assert catalogue.ingest(haven, [place], engine="inline").found == 1
            assert once(haven, place).left == {str(place): {}}
        for verb in (["ingest"], ["watch", "--once"]):
            words = ["-C", str(haven.folder), *verb, str(spool / "drafts")]
            done = subprocess.run(
                [sys.executable, "-m", "imagehaven", *words], capture_output=True, check=False
            )
            assert done.returncode == 2, done.stderr
    assert haven.sql("SELECT count(*) AS n FROM source").to_pylist() == [{"n": 1}]


def test_days_of_a_spool_that_ended_are_not_looked_at_again(haven: Haven) -> None:
    spool = haven.folder / "spool"
    (spool / "incoming").mkdir(parents=True)
    (spool / "receiver.lock").touch()
    write_instance(spool / "incoming" / "2001-01-01" / "study" / "a.dcm", "1.2.3.1")
    assert once(haven).catalogued == 1
    assert once(haven).found == 0  # nothing new: from now on that day is finished
    write_instance(spool / "incoming" / "2001-01-01" / "study" / "b.dcm", "1.2.3.2")
    assert once(haven).found == 0
    today = spool / "incoming" / "9999-12-31" / "study" / "c.dcm"
    write_instance(today, "1.2.3.3")
    assert once(haven).catalogued == 1
    today.unlink()
    assert once(haven).found == 0
