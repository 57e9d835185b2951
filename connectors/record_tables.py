"""The tables behind the record store; the migrations create them and a test compares both."""

from __future__ import annotations

import sqlalchemy as sa

# Ids sort by their UTF-8 bytes on every database; PostgreSQL would otherwise sort by locale.
_Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

METADATA = sa.MetaData()

documents = sa.Table(
    "documents",
    METADATA,
    sa.Column("tenant", _Key, primary_key=True),
    sa.Column("kind", _Key, primary_key=True),
    sa.Column("id", _Key, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    # Text, not JSONB: JSONB refuses \u0000 and rewrites numbers; what was put is what is read.
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
)

blobs = sa.Table(
    "blobs",
    METADATA,
    sa.Column("tenant", _Key, primary_key=True),
    sa.Column("kind", _Key, primary_key=True),
    sa.Column("id", _Key, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
)

leases = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", _Key, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
)

runs = sa.Table(
    "runs",
    METADATA,
    sa.Column("job", _Key, primary_key=True),
    sa.Column("scheduled_at_ms", sa.BigInteger, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("claimed_at_ms", sa.BigInteger, nullable=False),
)

# Runs older than a horizon are forgotten and can never be claimed again.
run_horizons = sa.Table(
    "run_horizons",
    METADATA,
    sa.Column("job", _Key, primary_key=True),
    sa.Column("before_ms", sa.BigInteger, nullable=False),
)

audit_entries = sa.Table(
    "audit_entries",
    METADATA,
    sa.Column("tenant", _Key, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Index("audit_entries_resource", "tenant", "kind", "resource"),
)

# Complete subtrees: a proof reads a few of them instead of all entries.
audit_nodes = sa.Table(
    "audit_nodes",
    METADATA,
    sa.Column("tenant", _Key, primary_key=True),
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

audit_heads = sa.Table(
    "audit_heads",
    METADATA,
    sa.Column("tenant", _Key, primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)
