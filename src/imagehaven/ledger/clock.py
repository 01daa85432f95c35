"""The ledger's one clock."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """The present moment as the ledger writes it: UTC, ISO 8601, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
