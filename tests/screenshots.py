"""Take the pictures of `limbeck studio` from a real project: `make pictures`.

A project with two environments is set up in a temporary folder; production has a pending revision
and an index that was created by hand. Chromium shows the pages of a running `limbeck studio`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
from playwright.sync_api import Browser, sync_playwright

from tests.acceptance.workplace import BIN, REPOSITORY, Workplace

OUT = REPOSITORY / "docs" / "pictures"
MODELS = '''"""A small shop."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]


class Product(Base):
    __tablename__ = "products"
    __table_args__ = (CheckConstraint("price >= 0", name="price"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[Decimal]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Item(Base):
    __tablename__ = "items"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    quantity: Mapped[int]
'''
CHANGE = ("    email: Mapped[str] =", "    phone: Mapped[str | None]\n    email: Mapped[str] =")
CHANGE_TOO = ("    quantity: Mapped[int]", "    quantity: Mapped[int] = mapped_column(index=True)")
ROWS = """
INSERT INTO customers (name, email, password_hash)
    SELECT 'Customer ' || n, 'customer' || n || '@example.org', md5(n::text)
    FROM generate_series(1, 400) n;
INSERT INTO products (name, price) SELECT 'Product ' || n, n FROM generate_series(1, 50) n;
INSERT INTO orders (customer_id) SELECT 1 + n % 400 FROM generate_series(1, 2000) n;
INSERT INTO items SELECT n, 1 + n % 50, 1 FROM generate_series(1, 2000) n;
ANALYZE;
"""
BY_HAND = "CREATE INDEX orders_by_time ON orders (placed_at)"


class Picture(NamedTuple):
    """The name of a file, the page that it shows, and how wide the window is."""

    name: str
    page: str
    width: int
    height: int
    scheme: str = "light"


PICTURES = (
    Picture("studio-environments", "environments", 900, 660),
    Picture("studio-schema", "schema?source=production", 900, 760),
    Picture("studio-plan", "plan?environment=production", 900, 700, "dark"),
    Picture("studio-phone", "table?source=production&name=orders", 375, 760, "dark"),
)


def shop(root: Path) -> Workplace:
    """Return a project whose production is a revision behind, and has an index of its own."""
    root.mkdir()
    place = Workplace(root, {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"})
    place.good("init", ".", "--yes")
    models = root / "app" / "models"
    for name in ("authors.py", "books.py"):
        (models / name).unlink()
    (models / "shop.py").write_text(MODELS)
    (models / "__init__.py").write_text(
        "from app.models.base import Base\nfrom app.models import shop\n"
    )
    place.good("generate", "-m", "customers, products and orders")
    place.good("migrate", "-e", "production", "--yes")
    with production(place) as connection:
        connection.execute(ROWS)
    text = (models / "shop.py").read_text().replace(*CHANGE).replace(*CHANGE_TOO)
    (models / "shop.py").write_text(text)
    place.good("generate", "-m", "phone numbers, items by quantity")
    place.good("migrate", "-e", "development", "--yes")
    with production(place) as connection:
        connection.execute(BY_HAND)
    return place


def production(place: Workplace) -> psycopg.Connection:
    """Return a connection to the database of production."""
    return psycopg.connect(place.good("url", "-e", "production").out.strip())


@contextmanager
def served(place: Workplace) -> Iterator[str]:
    """Yield the address of a running `limbeck studio`."""
    words = [BIN / "limbeck", "studio", "--no-browser"]
    with subprocess.Popen(words, cwd=place.root, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        yield running.stdout.readline().strip()
        running.send_signal(signal.SIGINT)


def taken(browser: Browser, address: str, picture: Picture) -> bytes:
    """Return the picture of a page; the port is always that of the documents."""
    size = {"width": picture.width, "height": picture.height}
    page = browser.new_page(viewport=size, color_scheme=picture.scheme)  # type: ignore[arg-type]
    page.goto(address)
    page.wait_for_url("**/environments")
    page.goto(f"{address.partition('?')[0]}{picture.page}")
    ports = "document.querySelectorAll('dd bdi').forEach(each => each.textContent = "
    page.evaluate(ports + r"each.textContent.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:24556'))")
    image = page.screenshot()
    page.close()
    return image


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("make pictures needs chromium")
    with tempfile.TemporaryDirectory() as folder:
        place = shop(Path(folder).resolve() / "shop")
        try:
            with served(place) as address, sync_playwright() as playwright:
                assert re.match(r"http://127\.0\.0\.1:\d+/\?token=", address)
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                for picture in PICTURES:
                    path = OUT / f"{picture.name}.png"
                    path.write_bytes(taken(browser, address, picture))
                    sys.stdout.write(f"{path.relative_to(REPOSITORY)}\n")
                browser.close()
        finally:
            place.run("local", "stop")


if __name__ == "__main__":
    main()
