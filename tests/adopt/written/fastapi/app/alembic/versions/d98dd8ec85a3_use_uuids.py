"""Edit replace id integers in all models to use UUID instead"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "d98dd8ec85a3"
down_revision = "9c0a54914c78"
branch_labels = None
depends_on = None


def upgrade():
    # Ensure uuid-ossp extension is available
    op.execute('CREATE EXTENSION IF NOT EXISTS "uuid-ossp"')
    # Create a new UUID column with a default UUID value
    new = postgresql.UUID(as_uuid=True)
    op.add_column("user", sa.Column("new_id", new, default=sa.text("uuid_generate_v4()")))
    op.add_column("item", sa.Column("new_id", new, default=sa.text("uuid_generate_v4()")))
    op.add_column("item", sa.Column("new_owner_id", new, nullable=True))
    # Populate the new columns with UUIDs
    op.execute('UPDATE "user" SET new_id = uuid_generate_v4()')
    op.execute("UPDATE item SET new_id = uuid_generate_v4()")
    op.execute(
        'UPDATE item SET new_owner_id = (SELECT new_id FROM "user" WHERE "user".id = item.owner_id)'
    )
    op.alter_column("user", "new_id", nullable=False)
    op.alter_column("item", "new_id", nullable=False)
    # Drop old columns and rename new columns
    op.drop_constraint("item_owner_id_fkey", "item", type_="foreignkey")
    op.drop_column("item", "owner_id")
    op.alter_column("item", "new_owner_id", new_column_name="owner_id")
    op.drop_column("user", "id")
    op.alter_column("user", "new_id", new_column_name="id")
    op.drop_column("item", "id")
    op.alter_column("item", "new_id", new_column_name="id")
    op.create_primary_key("user_pkey", "user", ["id"])
    op.create_primary_key("item_pkey", "item", ["id"])
    op.create_foreign_key("item_owner_id_fkey", "item", "user", ["owner_id"], ["id"])


def downgrade():
    raise NotImplementedError
