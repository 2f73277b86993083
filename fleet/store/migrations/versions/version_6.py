"""Version 6: which code of the contracts was accepted, and which of many messages are the worst."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String

revision = "6"
down_revision = "5"


def upgrade() -> None:
    """Adds the pins of code, and a rank to messages; those from before have none."""
    op.create_table(
        "code_pins",
        Column("name", String(length=16), primary_key=True),
        Column("address", String(length=42), primary_key=True),
        Column("code_hash", String(length=66), nullable=False),
        Column("implementation", String(length=42)),
        Column("implementation_hash", String(length=66)),
        Column("accepted_at", BigInteger(), nullable=False),
    )
    op.add_column("outbox", Column("rank", Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE stamp SET schema = 6")
