"""Version 7: up to which nonce an operator has forgiven what a lane spent."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Adds the resets; those from before need none."""
    op.create_table(
        "spend_resets",
        Column("namespace", String(length=128), primary_key=True),
        Column("lane", Integer(), primary_key=True, autoincrement=False),
        Column("nonce", BigInteger(), nullable=False),
    )
    op.execute("UPDATE stamp SET schema = 7")
