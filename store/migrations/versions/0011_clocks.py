"""Why the hub refused the last record that a runner set aside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column; a runner of an earlier version does not tell it."""
    op.add_column("runners", sa.Column("refusal", sa.Text))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("runners", "refusal")
