"""Run by Alembic: apply revisions on the connection that `migrate` passes in."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # SQLite rolls DDL back too, once the driver is told not to commit by itself.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
