"""The tables of the shop."""

from __future__ import annotations

from datetime import UTC, datetime

from shop import db

tags = db.Table(
    "product_tags",
    db.Column("product_id", db.ForeignKey("product.id"), primary_key=True),
    db.Column("tag_id", db.ForeignKey("tag.id"), primary_key=True),
)


class Product(db.Model):
    """Something to buy."""

    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(120), nullable=False, index=True)
    price = db.Column(db.Numeric(10, 2), nullable=False, server_default="0")
    tags = db.relationship("Tag", secondary=tags)


class Tag(db.Model):
    """A word for products."""

    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), nullable=False, unique=True)


class Purchase(db.Model):
    """A sale."""

    id = db.Column(db.Integer, primary_key=True)
    product_id = db.Column(db.ForeignKey("product.id"), nullable=False)
    at = db.Column(db.DateTime, default=lambda: datetime.now(UTC))
