"""The lake: transactions, snapshots, a query that can only read; the same on every store."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagehaven.errors import TransientError, UserError
from imagehaven.haven import Haven, Settings
from servers.ports import free_port


def fill(haven: Haven, rows: int = 3000) -> None:
    with haven.lake.transaction() as connection:
        connection.execute(f"CREATE TABLE numbers AS SELECT range AS n FROM range({rows})")


def count(haven: Haven, **options: int) -> int:
    return int(haven.sql("SELECT count(*) AS n FROM numbers", **options)["n"][0].as_py())


def test_a_transaction_is_kept_whole(any_haven: Haven) -> None:
    fill(any_haven)
    assert count(any_haven) == 3000


def test_an_error_takes_the_whole_transaction_back(any_haven: Haven) -> None:
    fill(any_haven)
    with pytest.raises(ZeroDivisionError), any_haven.lake.transaction() as connection:
        connection.execute("DELETE FROM numbers WHERE n < 1000")
        raise ZeroDivisionError
    assert count(any_haven) == 3000


def test_a_snapshot_reads_as_it_was(any_haven: Haven) -> None:
    fill(any_haven)
    before = any_haven.lake.snapshot()
    with any_haven.lake.transaction() as connection:
        connection.execute("DELETE FROM numbers WHERE n < 1000")
    assert any_haven.lake.snapshot() > before
    assert count(any_haven) == 2000
    assert count(any_haven, snapshot=before) == 3000


def test_the_answer_goes_to_pandas_and_polars(haven: Haven) -> None:
    import polars

    fill(haven, 3)
    answer = haven.sql("SELECT n FROM numbers WHERE n >= ? ORDER BY n", [1])
    assert answer.to_pandas()["n"].tolist() == [1, 2]
    assert polars.from_arrow(answer).to_dict(as_series=False) == {"n": [1, 2]}


FORBIDDEN = [
    "DELETE FROM numbers",
    "CREATE TABLE x AS SELECT 1",
    "DROP TABLE numbers",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "COPY numbers TO '/tmp/imagehaven-stolen.csv'",
    "ATTACH '/tmp/imagehaven-other.duckdb'",
    "SET enable_external_access = true",
    "INSTALL httpfs",
    "LOAD '/tmp/evil.duckdb_extension'",
    "SELECT * FROM '/etc/hostname'",
    "SELECT getenv('HOME')",
]


def test_a_query_can_read_the_lake_and_nothing_else(any_haven: Haven) -> None:
    fill(any_haven)
    for query in FORBIDDEN:
        with pytest.raises(UserError):
            any_haven.sql(query)
            pytest.fail(f"was answered: {query}")
    assert count(any_haven) == 3000
    assert not Path("/tmp/imagehaven-stolen.csv").exists()


def test_a_query_cannot_read_the_key_beside_the_lake(haven: Haven) -> None:
    fill(haven)
    for path in (
        haven.folder / "keys" / "master.key",
        haven.folder / "lake" / ".." / "keys" / "master.key",
        haven.folder / "haven.toml",
    ):
        with pytest.raises(UserError):
            haven.sql("SELECT content FROM read_text(?)", [str(path)])


@pytest.mark.parametrize(
    "query", ["SELEC 1", "SELECT nothing FROM numbers", "SELECT * FROM nowhere", "SELECT n + 'x'"]
)
def test_a_query_that_makes_no_sense_is_explained(haven: Haven, query: str) -> None:
    fill(haven)
    with pytest.raises(UserError, match="cannot be answered"):
        haven.sql(query)


def test_a_haven_travels_to_another_process(any_haven: Haven) -> None:
    fill(any_haven)
    travelled = pickle.loads(pickle.dumps(any_haven))
    assert count(travelled) == 3000
    travelled.ledger.close()


def test_a_haven_that_was_moved_opens_and_goes_on(haven: Haven, tmp_path: Path) -> None:
    fill(haven)
    haven.ledger.close()
    moved = Haven.open(haven.folder.rename(tmp_path / "elsewhere"))
    assert count(moved) == 3000
    with moved.lake.transaction() as connection:
        connection.execute("INSERT INTO numbers SELECT range FROM range(1000)")
    assert count(moved) == 4000
    linked = tmp_path / "linked"
    linked.symlink_to(moved.folder)
    assert count(Haven.open(linked)) == 4000
    moved.ledger.close()


WRITER = """
import sys
from imagehaven.haven import Haven
haven = Haven.open(sys.argv[1])
for number in range(int(sys.argv[2])):
    with haven.lake.transaction() as connection:
        connection.execute("INSERT INTO numbers SELECT range FROM range(1000)")
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_whole_transactions(any_haven: Haven) -> None:
    fill(any_haven, 1000)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(any_haven.folder), "100000"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    with writer, writer.stdout:
        for _ in range(3):
            writer.stdout.readline()
        time.sleep(0.02)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    rows = count(any_haven)
    assert rows >= 4000
    assert rows % 1000 == 0
    with any_haven.lake.transaction() as connection:
        connection.execute("INSERT INTO numbers SELECT range FROM range(1000)")
    assert count(any_haven) == rows + 1000


def test_two_programs_on_an_embedded_lake_take_turns(haven: Haven) -> None:
    fill(haven, 1000)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(haven.folder), "5"], stdout=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert count(haven) == 11_000


def test_a_lake_that_somebody_else_holds_is_a_transient_error(haven: Haven, tmp_path: Path) -> None:
    fill(haven)
    impatient = Haven.open(haven.folder)
    object.__setattr__(impatient.lake.settings, "lock_wait", 0)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom imagehaven.haven import Haven\n"
            "with Haven.open(sys.argv[1]).lake.connect():\n"
            "    print('held', flush=True)\n    sys.stdin.read()",
            str(haven.folder),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    with holder, holder.stdout, holder.stdin:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TransientError, match="no other program holds it"):
            count(impatient)
        holder.stdin.close()
        holder.wait(30)
    impatient.ledger.close()


def test_an_object_store_that_is_away_is_a_transient_error(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    options = Settings(
        database=postgresql_url,
        objects="s3://nowhere/lake",
        s3_endpoint=f"127.0.0.1:{free_port()}",
        s3_tls=False,
    )
    haven = Haven.create(tmp_path / "haven", options)
    with pytest.raises(TransientError, match="imagehaven doctor") as caught:
        fill(haven, 100_000)
    assert "hunter2" not in str(caught.value)
    haven.ledger.close()


def test_the_doctor_is_content_with_every_store(any_haven: Haven) -> None:
    from imagehaven.haven import doctor

    health = doctor(any_haven)
    assert health.healthy, json.dumps(health.summary(), indent=1)
    before = any_haven.lake.snapshot()
    doctor(any_haven)
    assert any_haven.lake.snapshot() == before


def test_the_doctor_names_what_is_broken(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imagehaven.haven import doctor

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    options = Settings(database=postgresql_url, objects="s3://nowhere/lake", s3_tls=False)
    haven = Haven.create(tmp_path / "haven", options)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    findings = {found.name: found for found in doctor(haven).findings}
    assert not findings["lake"].ok
    assert "AWS_ACCESS_KEY_ID" in findings["lake"].remedy
    assert findings["ledger"].ok
    haven.ledger.close()


def test_a_block_that_leaves_a_transaction_open_holds_nothing(haven: Haven) -> None:
    with haven.lake.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE half (a INTEGER)")
        connection.execute("CREATE TEMP TABLE own (a INTEGER)")
    assert haven.lake.snapshot() >= 0
    with haven.lake.connect() as connection:
        names = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    assert not names & {"half", "own"}


def test_a_failed_cast_does_not_quote_the_value(haven: Haven) -> None:
    with pytest.raises(UserError, match="TRY_CAST") as refused:
        haven.sql("SELECT CAST(a AS INTEGER) FROM (VALUES ('SECRET')) AS t(a)")
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "  ;", "SELECT 1; SELECT 2"])
def test_a_query_is_one_statement(haven: Haven, text: str) -> None:
    with pytest.raises(UserError, match="one SQL statement"):
        haven.sql(text)
