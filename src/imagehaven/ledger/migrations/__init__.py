"""Alembic's migrations of the ledger, run by :meth:`imagehaven.ledger.Ledger.migrate`."""
