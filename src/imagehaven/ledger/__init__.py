"""The ledger: what was done, by whom, how far it got, and what was decided.

Purpose: the transactional store. It holds the audit chain, the states of runs and their chunks,
projects, cohort versions, releases with the state of every object, opt-outs and the vault.

Comes in: rows from the rooms above. Goes out: the same rows, and the proof that the audit chain
was not altered.

Guarantees: SQLite (the embedded default) and PostgreSQL hold one schema, kept by Alembic. Audit
rows can be added and never changed: triggers refuse it, and a keyed hash chain shows it.
"""

from imagehaven.ledger.audit import AuditRow, AuditTrail, AuditVerdict
from imagehaven.ledger.runs import Chunk, Run, Runs
from imagehaven.ledger.store import Ledger

__all__ = ["AuditRow", "AuditTrail", "AuditVerdict", "Chunk", "Ledger", "Run", "Runs"]
