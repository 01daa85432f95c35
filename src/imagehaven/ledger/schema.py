"""The tables of the ledger, one schema for SQLite and PostgreSQL.

Every time is UTC text in ISO 8601, so that both stores sort and compare it alike.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

#: Append-only and hash-chained: see :mod:`imagehaven.ledger.audit`.
audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", String(64), nullable=False),
    Column("inputs", Text, nullable=False),
    Column("versions", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

#: One row: how long the chain is and how it ends, so that a cut-off tail shows.
audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("seal", String(64), nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("run_id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("key", String(64), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    Column("summary", JSON),
    Index("ix_run_kind_key", "kind", "key"),
    sqlite_autoincrement=True,
)

chunk = Table(
    "chunk",
    metadata,
    Column("run_id", Integer, ForeignKey("run.run_id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("size", Integer, nullable=False),
    Column("items", LargeBinary, nullable=False),
    Column("last", Text),
    Column("result", JSON),
    Index("ix_chunk_run_id_state", "run_id", "state"),
)

project = Table(
    "project",
    metadata,
    Column("project", String(128), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
)

cohort_version = Table(
    "cohort_version",
    metadata,
    Column("project", String(128), ForeignKey("project.project"), primary_key=True),
    Column("cohort", String(128), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("created_at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("definition", JSON, nullable=False),
    Column("snapshot", Integer, nullable=False),
    Column("members_sha256", String(64), nullable=False),
    Column("attrition", JSON, nullable=False),
    Column("counts", JSON, nullable=False),
)

#: Who must never be in a release: a keyed hash of the identifier, never the identifier.
opt_out = Table(
    "opt_out",
    metadata,
    Column("lookup", String(64), primary_key=True),
    Column("scope", String(128), primary_key=True),
    Column("added_at", String(32), nullable=False),
    Column("source", Text, nullable=False),
)

#: The one place where an original and its pseudonym stand together; the original is encrypted.
vault = Table(
    "vault",
    metadata,
    Column("project", String(128), ForeignKey("project.project"), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("lookup", String(64), primary_key=True),
    Column("pseudonym", Text, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Index("ix_vault_pseudonym", "pseudonym"),
)

release = Table(
    "release",
    metadata,
    Column("release", String(160), primary_key=True),
    Column("run_id", Integer, ForeignKey("run.run_id"), nullable=False),
    Column("project", String(128), nullable=False),
    Column("cohort", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("destination", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    Column("terms", JSON, nullable=False),
    Column("manifest_sha256", String(64)),
    ForeignKeyConstraint(
        ["project", "cohort", "version"],
        ["cohort_version.project", "cohort_version.cohort", "cohort_version.version"],
    ),
)

#: Every object that a release was asked for, in exactly one named state.
release_item = Table(
    "release_item",
    metadata,
    Column("release", String(160), ForeignKey("release.release"), primary_key=True),
    Column("SOPInstanceUID", String(128), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("state", String(32), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("modality", String(32), nullable=False),
    Column("path", Text),
    Column("sha256", String(64)),
    Column("bytes", Integer),
    Index("ix_release_item_release_state", "release", "state"),
    Index("ix_release_item_release_path", "release", "path"),
)


#: Which keys the lake holds, for looking one up without a scan: see
#: :mod:`imagehaven.catalogue.index`. The lake is the truth; this is derived from it.
catalogue_key = Table(
    "catalogue_key",
    metadata,
    Column("kind", String(12), primary_key=True),
    Column("key", LargeBinary(16), primary_key=True),
    Column("fingerprint", LargeBinary(16), nullable=False),
    sqlite_with_rowid=False,
)


#: One pass of the verifier whose findings were kept: a release's own, or a scan told to record.
scan = Table(
    "scan",
    metadata,
    Column("scan", String(200), primary_key=True),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
)

#: What reviewers did, one row for each act; nothing is changed or taken out later. ``about`` names
#: the decision that an ``undo``, ``agree`` or ``refuse`` is about. ``sealed`` holds the values that
#: the decision teaches, encrypted.
decision = Table(
    "decision",
    metadata,
    Column("decision_id", Integer, primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", String(12), nullable=False),
    Column("about", Integer, ForeignKey("decision.decision_id")),
    Column("needs_second", Integer, nullable=False),
    Column("grouped_by", String(12), nullable=False),
    Column("group", String(64), nullable=False),
    Column("rule", String(128)),
    Column("findings", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("sealed", LargeBinary),
    Index("ix_decision_about", "about"),
    sqlite_autoincrement=True,
)

#: One suspected identifier and what was decided of it. What a person must see to decide (file,
#: place, value, device) is encrypted in ``sealed``; groups are found by keyed hashes of it.
finding = Table(
    "finding",
    metadata,
    Column("finding_id", Integer, primary_key=True, autoincrement=True),
    Column("scan", String(200), ForeignKey("scan.scan"), nullable=False),
    Column("SOPInstanceUID", String(128)),
    Column("rule", String(128), nullable=False),
    Column("rules_sha256", String(64), nullable=False),
    Column("detector", String(64), nullable=False),
    Column("value_class", String(16), nullable=False),
    Column("shape", String(64), nullable=False),
    Column("cells", Integer, nullable=False),
    Column("frame", Integer),
    Column("box", JSON),
    Column("span", JSON),
    Column("state", String(12), nullable=False),
    Column("decision_id", Integer, ForeignKey("decision.decision_id")),
    Column("by_value", String(64), nullable=False),
    Column("by_rule", String(64), nullable=False),
    Column("by_element", String(64), nullable=False),
    Column("by_device", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_finding_state_by_value", "state", "by_value"),
    Index("ix_finding_scan", "scan", "SOPInstanceUID"),
    Index("ix_finding_decision_id", "decision_id"),
    sqlite_autoincrement=True,
)

#: How often a rule found, or a waiver took away, something in a scan.
rule_hit = Table(
    "rule_hit",
    metadata,
    Column("scan", String(200), ForeignKey("scan.scan"), primary_key=True),
    Column("rule", String(128), primary_key=True),
    Column("hits", Integer, nullable=False),
)

#: The files or frames of a release that people look at, chosen by a keyed order.
sample = Table(
    "sample",
    metadata,
    Column("sample", String(200), primary_key=True),
    Column("release", String(160), ForeignKey("release.release"), nullable=False),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("terms", JSON, nullable=False),
)

sample_item = Table(
    "sample_item",
    metadata,
    Column("sample", String(200), ForeignKey("sample.sample"), primary_key=True),
    Column("path", String(400), primary_key=True),
    Column("frame", Integer, primary_key=True, autoincrement=False),
    Column("stratum", Integer, nullable=False),
    Column("verdict", String(8)),
    Column("actor", Text),
    Column("at", String(32)),
)

#: One request for studies of a PACS, and how far it got. ``asked`` names no patient and no
#: accession: a list is named by its file and hash. See :mod:`imagehaven.acquire.retrieve`.
retrieval = Table(
    "retrieval",
    metadata,
    Column("retrieval_id", Integer, primary_key=True, autoincrement=True),
    Column("source", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("asked", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("actor", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    Index("ix_retrieval_source_state", "source", "state"),
    sqlite_autoincrement=True,
)

#: The questions that a request was taken apart into: a day, a part of one, or a line of a list.
retrieval_part = Table(
    "retrieval_part",
    metadata,
    Column("retrieval_id", Integer, ForeignKey("retrieval.retrieval_id"), primary_key=True),
    Column("part", String(128), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("studies", Integer, nullable=False),
    Column("reason", String(64), nullable=False),
)

#: Every study that a request was answered with, in exactly one named state.
retrieval_study = Table(
    "retrieval_study",
    metadata,
    Column("retrieval_id", Integer, ForeignKey("retrieval.retrieval_id"), primary_key=True),
    Column("StudyInstanceUID", String(128), primary_key=True),
    Column("day", String(8), nullable=False),
    Column("modalities", String(128), nullable=False),
    Column("series", Integer),
    Column("instances", Integer),
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("listed", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("fetched", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("from_source", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Index("ix_retrieval_study_retrieval_id_state", "retrieval_id", "state", "day"),
)

#: The instances that a source says it has and did not deliver.
retrieval_missing = Table(
    "retrieval_missing",
    metadata,
    Column("retrieval_id", Integer, primary_key=True, autoincrement=False),
    Column("StudyInstanceUID", String(128), primary_key=True),
    Column("SOPInstanceUID", String(128), primary_key=True),
    Column("reason", String(64), nullable=False),
    ForeignKeyConstraint(
        ["retrieval_id", "StudyInstanceUID"],
        ["retrieval_study.retrieval_id", "retrieval_study.StudyInstanceUID"],
    ),
)
