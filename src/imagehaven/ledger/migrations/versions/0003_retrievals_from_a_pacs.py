"""retrievals from a PACS: requests, their questions, the studies and what is missing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retrieval",
        sa.Column("retrieval_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("finished_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("retrieval_id", name=op.f("pk_retrieval")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_retrieval_source_state", "retrieval", ["source", "state"], unique=False)
    op.create_table(
        "retrieval_part",
        sa.Column("retrieval_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("studies", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["retrieval_id"],
            ["retrieval.retrieval_id"],
            name=op.f("fk_retrieval_part_retrieval_id"),
        ),
        sa.PrimaryKeyConstraint("retrieval_id", "part", name=op.f("pk_retrieval_part")),
    )
    op.create_table(
        "retrieval_study",
        sa.Column("retrieval_id", sa.Integer(), nullable=False),
        sa.Column("StudyInstanceUID", sa.String(length=128), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("modalities", sa.String(length=128), nullable=False),
        sa.Column("series", sa.Integer(), nullable=True),
        sa.Column("instances", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("from_source", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["retrieval_id"],
            ["retrieval.retrieval_id"],
            name=op.f("fk_retrieval_study_retrieval_id"),
        ),
        sa.PrimaryKeyConstraint(
            "retrieval_id", "StudyInstanceUID", name=op.f("pk_retrieval_study")
        ),
    )
    op.create_index(
        "ix_retrieval_study_retrieval_id_state",
        "retrieval_study",
        ["retrieval_id", "state", "day"],
        unique=False,
    )
    op.create_table(
        "retrieval_missing",
        sa.Column("retrieval_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("StudyInstanceUID", sa.String(length=128), nullable=False),
        sa.Column("SOPInstanceUID", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["retrieval_id", "StudyInstanceUID"],
            ["retrieval_study.retrieval_id", "retrieval_study.StudyInstanceUID"],
            name=op.f("fk_retrieval_missing_retrieval_id"),
        ),
        sa.PrimaryKeyConstraint(
            "retrieval_id", "StudyInstanceUID", "SOPInstanceUID", name=op.f("pk_retrieval_missing")
        ),
    )


def downgrade() -> None:
    for table in ("retrieval_missing", "retrieval_study", "retrieval_part", "retrieval"):
        op.drop_table(table)
