"""the ledger of the main road."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "catalogue_key",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_catalogue_key")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "opt_out",
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=128), nullable=False),
        sa.Column("added_at", sa.String(length=32), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lookup", "scope", name=op.f("pk_opt_out")),
    )
    op.create_table(
        "project",
        sa.Column("project", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_project")),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("finished_at", sa.String(length=32), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_kind_key", "run", ["kind", "key"], unique=False)
    op.create_table(
        "chunk",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.Column("last", sa.Text(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_chunk_run_id")),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_chunk")),
    )
    op.create_index("ix_chunk_run_id_state", "chunk", ["run_id", "state"], unique=False)
    op.create_table(
        "cohort_version",
        sa.Column("project", sa.String(length=128), nullable=False),
        sa.Column("cohort", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("snapshot", sa.Integer(), nullable=False),
        sa.Column("members_sha256", sa.String(length=64), nullable=False),
        sa.Column("attrition", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["project.project"], name=op.f("fk_cohort_version_project")
        ),
        sa.PrimaryKeyConstraint("project", "cohort", "version", name=op.f("pk_cohort_version")),
    )
    op.create_table(
        "vault",
        sa.Column("project", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["project.project"], name=op.f("fk_vault_project")),
        sa.PrimaryKeyConstraint("project", "kind", "lookup", name=op.f("pk_vault")),
    )
    op.create_index("ix_vault_pseudonym", "vault", ["pseudonym"], unique=False)
    op.create_table(
        "release",
        sa.Column("release", sa.String(length=160), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=128), nullable=False),
        sa.Column("cohort", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("finished_at", sa.String(length=32), nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["project", "cohort", "version"],
            ["cohort_version.project", "cohort_version.cohort", "cohort_version.version"],
            name=op.f("fk_release_project"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_release_run_id")),
        sa.PrimaryKeyConstraint("release", name=op.f("pk_release")),
    )
    op.create_table(
        "release_item",
        sa.Column("release", sa.String(length=160), nullable=False),
        sa.Column("SOPInstanceUID", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("modality", sa.String(length=32), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["release"], ["release.release"], name=op.f("fk_release_item_release")
        ),
        sa.PrimaryKeyConstraint("release", "SOPInstanceUID", name=op.f("pk_release_item")),
    )
    op.create_index(
        "ix_release_item_release_path", "release_item", ["release", "path"], unique=False
    )
    op.create_index(
        "ix_release_item_release_state", "release_item", ["release", "state"], unique=False
    )
    _make_audit_append_only()


def downgrade() -> None:
    op.drop_index("ix_release_item_release_state", table_name="release_item")
    op.drop_index("ix_release_item_release_path", table_name="release_item")
    op.drop_table("release_item")
    op.drop_table("release")
    op.drop_index("ix_vault_pseudonym", table_name="vault")
    op.drop_table("vault")
    op.drop_table("cohort_version")
    op.drop_index("ix_chunk_run_id_state", table_name="chunk")
    op.drop_table("chunk")
    op.drop_index("ix_run_kind_key", table_name="run")
    op.drop_table("run")
    op.drop_table("project")
    op.drop_table("opt_out")
    op.drop_table("catalogue_key")
    op.drop_table("audit_head")
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only")


def _make_audit_append_only() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit rows are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit rows are append-only'); END"
        )
