"""Whether a runner's browser runs in its sandbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; of the runners that are known nobody knows until they speak again."""
    op.add_column("runners", sa.Column("sandbox", sa.Boolean))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("runners", "sandbox")
