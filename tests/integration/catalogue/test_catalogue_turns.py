"""A live load goes before a bulk one: it waits for one commit at most, and the bulk for its end."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

from catalogue_files import rows_of, write_archive_of_patients, write_instance
from imagehaven import catalogue
from imagehaven.catalogue import turns
from imagehaven.errors import UserError
from imagehaven.haven import Haven, Settings

# A bulk load that says what it does, and rests after its first commit until it is told to go on.
BULK = """
import sys
from pathlib import Path
from imagehaven import catalogue
from imagehaven.catalogue.loading import run
from imagehaven.haven import Haven

commit = run.commit_chunks

def resting(haven, run_id, chunks):
    commit(haven, run_id, chunks)
    print("committed", len(chunks), flush=True)
    sys.stdin.readline()

def tell(stage, done, total):
    if stage.startswith("wait"):
        print("waiting", done, flush=True)

run.commit_chunks = resting
catalogue.ingest(Haven.open(Path(sys.argv[1])), [Path(sys.argv[2])], engine="inline", progress=tell)
print("ended", flush=True)
"""


class Bulk:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: Queue[str] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.split()[0])

    def says(self) -> str:
        return self.lines.get(timeout=90)

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def bulk(haven: Haven, folder: Path) -> Iterator[Bulk]:
    command = [sys.executable, "-c", BULK, str(haven.folder), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Bulk(process)
        finally:
            process.kill()


@pytest.fixture(params=["embedded", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Haven]:
    """A haven in which every chunk of 20 files is a commit of its own."""
    database = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""
    options = Settings(
        name="test", database=database, workers=1, chunk_items=20, commit_items=20, lock_wait=5
    )
    made = Haven.create(tmp_path / "haven", options)
    yield made
    made.ledger.close()


def test_a_live_load_gets_its_turn_within_one_commit(store: Haven, tmp_path: Path) -> None:
    archive = write_archive_of_patients(tmp_path / "archive", 100)
    drop = write_instance(tmp_path / "drop" / "a.dcm", "9.9.9").parent
    commits: list[int] = []
    with bulk(store, archive) as running:
        assert running.says() == "committed"

        def while_live(stage: str, _done: int, _total: int | None) -> None:
            if stage == "catalogue" and not commits:
                # The bulk is let go, and begins no other commit while this load is live.
                running.go_on()
                assert running.says() == "waiting"
                commits.append(store.sql("FROM load_chunk").num_rows)

        report = catalogue.ingest(
            store, [drop], engine="inline", priority="live", progress=while_live
        )
        assert (report.catalogued, commits) == (1, [1])
        while (said := running.says()) != "ended":
            assert said == "committed"
            running.go_on()
    found = store.sql("SELECT count(*) AS n FROM source").to_pylist()[0]["n"]
    quarantined = len(catalogue.quarantined(store).objects)
    assert found + quarantined == sum(1 for path in archive.rglob("*") if path.is_file()) + 1


def test_a_bulk_load_that_waits_may_be_killed_and_goes_on(store: Haven, tmp_path: Path) -> None:
    archive = write_archive_of_patients(tmp_path / "archive", 60)
    with bulk(store, archive) as running:
        assert running.says() == "committed"
        with turns.live(store):
            running.go_on()
            assert running.says() == "waiting"
            running.process.kill()
            running.process.wait()
    report = catalogue.ingest(store, [archive], engine="inline")
    assert report.resumed
    straight = Haven.create(tmp_path / "straight", Settings(chunk_items=20, commit_items=20))
    catalogue.ingest(straight, [archive], engine="inline")
    assert rows_of(store) == rows_of(straight)
    straight.ledger.close()


def test_an_ingest_may_be_live_itself(store: Haven, tmp_path: Path) -> None:
    drop = write_instance(tmp_path / "drop" / "a.dcm").parent
    with turns.live(store):  # several may be
        report = catalogue.ingest(store, [drop], engine="inline", priority="live")
    assert report.catalogued == 1
    with pytest.raises(UserError, match="Valid choices: bulk, live"):
        catalogue.ingest(store, [drop], priority="first")  # type: ignore[arg-type]
