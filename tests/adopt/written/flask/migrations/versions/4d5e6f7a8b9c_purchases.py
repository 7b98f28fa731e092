"""Purchases; cheap products get a tag."""

import sqlalchemy as sa
from alembic import op

revision = "4d5e6f7a8b9c"
down_revision = "3c4d5e6f7a8b"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "purchase",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_purchase_product_id_product")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
    )
    connection = op.get_bind()
    (tag,) = connection.execute(sa.text("SELECT id FROM tag WHERE name = '50% off'")).one()
    for (product,) in connection.execute(sa.text("SELECT id FROM product WHERE price < 1")):
        connection.execute(
            sa.text("INSERT INTO product_tags VALUES (:product, :tag)"),
            {"product": product, "tag": tag},
        )


def downgrade():
    op.drop_table("purchase")
