"""Runs survive being killed; the schema is one for both stores and safe to bring up again."""

import multiprocessing
import os
import pickle
import signal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from imagehaven.errors import TransientError, UserError
from imagehaven.ledger import Ledger
from imagehaven.ledger.schema import metadata
from servers.ports import free_port


def test_the_migrations_make_the_tables_that_the_code_declares(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_twice_changes_nothing(ledger: Ledger) -> None:
    ledger.audit.append("init", {}, outcome="done")
    ledger.migrate()
    assert ledger.schema_problem() is None
    assert ledger.audit.verify().rows == 1


def test_a_missing_schema_is_told_with_its_remedy(ledger_url: str) -> None:
    fresh = Ledger(ledger_url, audit_key=b"k" * 32, actor="tester")
    assert "imagehaven init" in str(fresh.schema_problem())
    fresh.close()


def test_a_run_of_the_same_question_is_found_again(ledger: Ledger) -> None:
    first, resumed = ledger.runs.start("ingest", {"paths": ["/a"]})
    assert not resumed
    again, resumed = ledger.runs.start("ingest", {"paths": ["/a"]})
    assert resumed
    assert again.run_id == first.run_id
    other, resumed = ledger.runs.start("ingest", {"paths": ["/b"]})
    assert not resumed
    assert other.run_id != first.run_id


def test_a_finished_run_is_not_resumed(ledger: Ledger) -> None:
    run, _ = ledger.runs.start("ingest", {"paths": ["/a"]})
    ledger.runs.planned(run.run_id)
    ledger.runs.finish(run.run_id, {"found": 0})
    assert ledger.runs.get(run.run_id).summary == {"found": 0}
    again, resumed = ledger.runs.start("ingest", {"paths": ["/a"]})
    assert not resumed
    assert again.run_id != run.run_id


def test_chunks_are_worked_in_order_and_only_once(ledger: Ledger) -> None:
    run, _ = ledger.runs.start("ingest", {})
    ledger.runs.plan(run.run_id, [([n, n + 1], str(n)) for n in range(0, 80, 2)])
    assert ledger.runs.planned_to(run.run_id) == "78"
    ledger.runs.plan(run.run_id, [([80], "80")])
    ledger.runs.planned(run.run_id)
    seen = []
    for chunk in ledger.runs.pending(run.run_id):
        seen += chunk.items
        with ledger.begin() as connection:
            ledger.runs.chunk_done(connection, run.run_id, chunk.seq, {"n": len(chunk.items)})
        if len(seen) >= 40:
            break
    assert ledger.runs.progress(run.run_id) == (40, 81)
    seen += [item for chunk in ledger.runs.pending(run.run_id) for item in chunk.items]
    assert seen == list(range(81))
    assert ledger.runs.results(run.run_id) == [{"n": 2}] * 20


def _append_until_killed(url: str) -> None:
    own = Ledger(url, audit_key=b"k" * 32, actor="doomed")
    for number in range(1_000_000):
        own.audit.append("ingest", {"number": number}, outcome="done")


def test_a_killed_writer_leaves_a_whole_chain(ledger: Ledger) -> None:
    writer = multiprocessing.get_context("fork").Process(
        target=_append_until_killed, args=(ledger.url,)
    )
    ledger.close()
    writer.start()
    while ledger.audit.verify().rows < 20:
        assert writer.is_alive()
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    writer.close()
    assert ledger.audit.verify().intact
    ledger.audit.append("ingest", {}, outcome="done")
    assert ledger.audit.verify().intact


def test_a_ledger_travels_to_another_process(ledger: Ledger) -> None:
    ledger.audit.append("init", {}, outcome="done")
    travelled = pickle.loads(pickle.dumps(ledger))
    assert travelled.audit.verify().rows == 1
    travelled.close()


def test_a_server_that_is_away_is_a_transient_error_without_its_password() -> None:
    url = f"postgresql://haven:hunter2@127.0.0.1:{free_port()}/haven"
    ledger = Ledger(url, audit_key=b"k" * 32, actor="tester")
    with pytest.raises(TransientError, match="did not answer") as caught:
        ledger.audit.head()
    assert "hunter2" not in str(caught.value)
    ledger.close()


def test_a_full_or_lost_disk_is_a_transient_error(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'gone' / 'x.sqlite'}", audit_key=b"k" * 32, actor="me")
    with pytest.raises(TransientError, match="unable to open database file"):
        ledger.audit.head()


def test_another_kind_of_database_is_refused_with_the_choices() -> None:
    ledger = Ledger("mysql://db/haven", audit_key=b"k" * 32, actor="tester")
    with pytest.raises(UserError, match="postgresql://"):
        ledger.audit.head()


def test_a_broken_connection_is_noticed_and_made_again(ledger: Ledger) -> None:
    ledger.audit.append("init", {}, outcome="done")
    if ledger.url.startswith("postgresql"):
        other = Ledger(ledger.url, audit_key=b"k" * 32, actor="admin")
        with other.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        other.close()
    assert ledger.audit.verify().rows == 1
