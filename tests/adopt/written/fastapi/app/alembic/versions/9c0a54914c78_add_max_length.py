"""Add max length for strings in User and Items"""
import sqlalchemy as sa
from alembic import op

revision = "9c0a54914c78"
down_revision = "e2412789c190"
branch_labels = None
depends_on = None

COLUMNS = (("user", "email"), ("user", "full_name"), ("item", "title"), ("item", "description"))


def upgrade():
    for table, column in COLUMNS:
        op.alter_column(table, column, existing_type=sa.String(), type_=sa.String(length=255))


def downgrade():
    for table, column in COLUMNS:
        op.alter_column(table, column, existing_type=sa.String(length=255), type_=sa.String())
