"""Run by Alembic for every step, on the connection that `bring_up_to_date` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
context.run_migrations()
