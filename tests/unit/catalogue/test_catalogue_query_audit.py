"""What the audit trail keeps of a query: its shape, and no identifier."""

from __future__ import annotations

import pytest

from imagehaven.catalogue import prepare, query
from imagehaven.haven import Haven


@pytest.mark.parametrize(
    "where",
    [
        "PatientID = '0101901234'",
        "PatientID = 0101901234",
        "PatientID = $$0101901234$$",
        "PatientID = 'it''s 0101901234' -- 0101901234",
        "true /* 0101901234 */",
    ],
)
def test_the_trail_keeps_a_query_without_its_values(haven: Haven, where: str) -> None:
    prepare(haven)
    query(haven, f"SELECT count(*) FROM patient WHERE try_cast(1 AS INTEGER) = 1 OR {where}")
    (row,) = haven.ledger.audit.rows()
    assert "0101901234" not in row.inputs
    assert "FROM patient WHERE" in row.inputs
