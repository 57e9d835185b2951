"""First tables: documents, blobs, leases, runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None


def upgrade() -> None:
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "documents",
        sa.Column("tenant", key, primary_key=True),
        sa.Column("kind", key, primary_key=True),
        sa.Column("id", key, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "blobs",
        sa.Column("tenant", key, primary_key=True),
        sa.Column("kind", key, primary_key=True),
        sa.Column("id", key, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", key, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("job", key, primary_key=True),
        sa.Column("scheduled_at_ms", sa.BigInteger, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("claimed_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "run_horizons",
        sa.Column("job", key, primary_key=True),
        sa.Column("before_ms", sa.BigInteger, nullable=False),
    )
