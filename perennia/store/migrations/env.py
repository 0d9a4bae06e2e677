"""Alembic runs this file for each upgrade. The connection and its transaction are the caller's (`upgrade`)."""

from alembic import context

from perennia.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # also on SQLite: the caller's transaction is a real one there, unlike the driver's own
    render_as_batch=True,
)
context.run_migrations()
