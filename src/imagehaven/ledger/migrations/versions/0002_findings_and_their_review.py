"""findings, the decisions on them, and samples for human review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decision",
        sa.Column("decision_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("about", sa.Integer(), nullable=True),
        sa.Column("needs_second", sa.Integer(), nullable=False),
        sa.Column("grouped_by", sa.String(length=12), nullable=False),
        sa.Column("group", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=128), nullable=True),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["about"], ["decision.decision_id"], name=op.f("fk_decision_about")
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decision_about", "decision", ["about"], unique=False)
    op.create_table(
        "scan",
        sa.Column("scan", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scan", name=op.f("pk_scan")),
    )
    op.create_table(
        "finding",
        sa.Column("finding_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("scan", sa.String(length=200), nullable=False),
        sa.Column("SOPInstanceUID", sa.String(length=128), nullable=True),
        sa.Column("rule", sa.String(length=128), nullable=False),
        sa.Column("rules_sha256", sa.String(length=64), nullable=False),
        sa.Column("detector", sa.String(length=64), nullable=False),
        sa.Column("value_class", sa.String(length=16), nullable=False),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=True),
        sa.Column("box", sa.JSON(), nullable=True),
        sa.Column("span", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("by_value", sa.String(length=64), nullable=False),
        sa.Column("by_rule", sa.String(length=64), nullable=False),
        sa.Column("by_element", sa.String(length=64), nullable=False),
        sa.Column("by_device", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.decision_id"], name=op.f("fk_finding_decision_id")
        ),
        sa.ForeignKeyConstraint(["scan"], ["scan.scan"], name=op.f("fk_finding_scan")),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_finding")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_finding_decision_id", "finding", ["decision_id"], unique=False)
    op.create_index("ix_finding_scan", "finding", ["scan", "SOPInstanceUID"], unique=False)
    op.create_index("ix_finding_state_by_value", "finding", ["state", "by_value"], unique=False)
    op.create_table(
        "rule_hit",
        sa.Column("scan", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=128), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["scan"], ["scan.scan"], name=op.f("fk_rule_hit_scan")),
        sa.PrimaryKeyConstraint("scan", "rule", name=op.f("pk_rule_hit")),
    )
    op.create_table(
        "sample",
        sa.Column("sample", sa.String(length=200), nullable=False),
        sa.Column("release", sa.String(length=160), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["release"], ["release.release"], name=op.f("fk_sample_release")),
        sa.PrimaryKeyConstraint("sample", name=op.f("pk_sample")),
    )
    op.create_table(
        "sample_item",
        sa.Column("sample", sa.String(length=200), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("frame", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stratum", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["sample"], ["sample.sample"], name=op.f("fk_sample_item_sample")),
        sa.PrimaryKeyConstraint("sample", "path", "frame", name=op.f("pk_sample_item")),
    )
    _make_decisions_append_only()


def downgrade() -> None:
    for table in ("sample_item", "sample", "rule_hit", "finding", "decision", "scan"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION decision_is_append_only")


def _make_decisions_append_only() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION decision_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'decisions are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decision "
            "FOR EACH STATEMENT EXECUTE FUNCTION decision_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER decision_no_{verb.lower()} BEFORE {verb} ON decision "
            "BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END"
        )
