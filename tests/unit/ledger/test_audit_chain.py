"""The audit chain shows every change, whoever made it."""

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from imagehaven.ledger import Ledger

ROWS = 6


def fill(ledger: Ledger, rows: int = ROWS) -> None:
    for number in range(rows):
        ledger.audit.append("ingest", {"paths": [f"/archive/{number}"]}, outcome="done")


def strip_guards(ledger: Ledger) -> None:
    """What an intruder with the database's password would do first."""
    with ledger.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("DROP TRIGGER audit_append_only ON audit"))
        else:
            connection.execute(text("DROP TRIGGER audit_no_update"))
            connection.execute(text("DROP TRIGGER audit_no_delete"))


def test_an_untouched_chain_is_intact(ledger: Ledger) -> None:
    fill(ledger)
    verdict = ledger.audit.verify()
    assert verdict.intact
    assert verdict.rows == ROWS
    assert verdict.head == ledger.audit.head()


def test_an_empty_chain_is_intact(ledger: Ledger) -> None:
    assert ledger.audit.verify().intact


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_a_row(ledger: Ledger, change: str) -> None:
    fill(ledger)
    with pytest.raises(DBAPIError, match="append-only"), ledger.begin() as connection:
        connection.execute(text(change))
    assert ledger.audit.verify().intact


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM audit WHERE seq = 3", "row 3 is missing"),
        ("DELETE FROM audit WHERE seq > 4", "rows after 4 were cut off"),
        ("DELETE FROM audit", "rows after 0 were cut off"),
        ("DELETE FROM audit_head", "the sealed head is missing"),
        ("UPDATE audit_head SET seq = 5", "the sealed head was altered"),
        ("UPDATE audit SET previous = hash WHERE seq = 2", "row 2 follows another row"),
    ],
)
def test_a_change_behind_the_guards_shows(ledger: Ledger, change: str, problem: str) -> None:
    fill(ledger)
    strip_guards(ledger)
    with ledger.begin() as connection:
        connection.execute(text(change))
    assert ledger.audit.verify().problem == problem


def test_a_cut_tail_shows_even_with_its_head_set_back(ledger: Ledger) -> None:
    fill(ledger)
    strip_guards(ledger)
    with ledger.begin() as connection:
        connection.execute(text("DELETE FROM audit WHERE seq > 4"))
        last = connection.execute(text("SELECT hash FROM audit WHERE seq = 4")).scalar()
        connection.execute(text("UPDATE audit_head SET seq = 4, hash = :last"), {"last": last})
    assert ledger.audit.verify().problem == "the sealed head was altered"


def test_a_chain_made_with_another_key_is_not_believed(ledger: Ledger) -> None:
    fill(ledger)
    other = Ledger(ledger.url, audit_key=b"x" * 32, actor="intruder")
    assert other.audit.verify().problem == "row 1 was altered"
    other.close()


def test_many_writers_make_one_chain(ledger: Ledger) -> None:
    def write() -> None:
        own = Ledger(ledger.url, audit_key=b"k" * 32, actor="writer")
        fill(own, 10)
        own.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    verdict = ledger.audit.verify()
    assert verdict.intact
    assert verdict.rows == 40


def test_a_row_falls_with_the_transaction_it_belongs_to(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.begin() as connection:
        ledger.audit.append("release", {}, outcome="done", connection=connection)
        raise ZeroDivisionError
    assert ledger.audit.verify().rows == 0


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    row=st.integers(1, ROWS),
    field=st.sampled_from(["at", "actor", "event", "inputs", "versions", "outcome", "detail"]),
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
)
def test_any_change_of_any_field_shows(tmp_path: Path, row: int, field: str, value: str) -> None:
    (tmp_path / "tampered.sqlite").unlink(missing_ok=True)
    ledger = Ledger(f"sqlite:///{tmp_path / 'tampered.sqlite'}", audit_key=b"k" * 32, actor="me")
    ledger.migrate()
    fill(ledger)
    strip_guards(ledger)
    with ledger.begin() as connection:
        where = {"row": row}
        old = connection.execute(text(f"SELECT {field} FROM audit WHERE seq = :row"), where)
        same = old.scalar() == value
        connection.execute(
            text(f"UPDATE audit SET {field} = :value WHERE seq = :row"), {**where, "value": value}
        )
    assert ledger.audit.verify().problem == (None if same else f"row {row} was altered")


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(range(1, ROWS + 1)))
def test_rows_in_another_order_show(tmp_path: Path, order: list[int]) -> None:
    (tmp_path / "shuffled.sqlite").unlink(missing_ok=True)
    ledger = Ledger(f"sqlite:///{tmp_path / 'shuffled.sqlite'}", audit_key=b"k" * 32, actor="me")
    ledger.migrate()
    fill(ledger)
    strip_guards(ledger)
    with ledger.begin() as connection:
        connection.execute(text("UPDATE audit SET seq = seq + 100"))
        for place, row in enumerate(order, 1):
            connection.execute(
                text("UPDATE audit SET seq = :place WHERE seq = :row"),
                {"place": place, "row": row + 100},
            )
    assert ledger.audit.verify().intact == (list(order) == sorted(order))
