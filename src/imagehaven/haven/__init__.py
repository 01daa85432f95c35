"""A haven: one folder with its settings, its keys and the stores behind them.

Purpose: everything that the rooms above need to know about where things live. Comes in: a folder
(or ``IMAGEHAVEN_HOME``). Goes out: a :class:`Haven` with its lake (analytical tables), its ledger
(transactions and the audit chain) and its keys.

Guarantees: settings are read in this one place; the embedded stores and PostgreSQL with object
storage answer the same calls; a query can read and never write.
"""

from imagehaven.haven.actions import audit_list, audit_verify, doctor, init
from imagehaven.haven.haven import Haven
from imagehaven.haven.keys import Keyring
from imagehaven.haven.lake import Lake
from imagehaven.haven.settings import Settings

__all__ = [
    "Haven",
    "Keyring",
    "Lake",
    "Settings",
    "audit_list",
    "audit_verify",
    "doctor",
    "init",
]
