"""Version 8: what each endpoint said of a source block, and what the guard made of each price."""

from alembic import op
from sqlalchemy import Column, Text

revision = "8"
down_revision = "7"


def upgrade() -> None:
    """Adds both; of blocks from before neither is known."""
    op.add_column("quotes", Column("said", Text()))
    op.add_column("quotes", Column("verdicts", Text()))
    op.execute("UPDATE stamp SET schema = 8")
