"""The pages in Chromium: by keyboard alone, on a phone, light and dark, nothing from elsewhere."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from limbeck.studio import report
from limbeck.studio.guard import Access
from limbeck.studio.report import Extent
from limbeck.studio.server import application
from limbeck.studio.serving import listening
from tests.postgres.pages import shop

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.embedded.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

ADDRESSES = (
    "/environments",
    "/revisions",
    "/revision?id=head",
    "/plan?environment=development",
    "/schema?source=development",
    "/table?source=development&schema=public&name=people",
    "/rows?source=development&schema=public&name=people",
    "/difference?before=base&after=head",
    "/nothing",
)
PAPER = 680  # A4 without margins, in CSS pixels
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# What can be used or scrolled, by the order in which the page has it.
USABLE = """[...document.querySelectorAll("a[href], button, input, select, [tabindex='0']")]
    .filter(each => each.type !== "hidden" && each.checkVisibility())"""
REACHED = f"""() => {{
    const usable = {USABLE}, element = document.activeElement;
    const style = getComputedStyle(element);
    return [usable.indexOf(element), style.outlineStyle !== "none"];
}}"""


@pytest.fixture(scope="module")
def address(
    server: Server, admin: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a running server, with its token; a report lies beside the project."""
    root = tmp_path_factory.mktemp("browser")
    with shop(server, admin, root) as shown, listening(0) as listener:
        document = report.document(shown.desk, Extent("head", 1), datetime.now(UTC))
        report.write(root / "report.html", document)
        access = Access(listener.getsockname()[1])
        config = uvicorn.Config(
            application(shown.desk, access), log_config=None, ws="none", lifespan="off"
        )
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"{access.address}#{root}"
        running.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page of a browser that was let in; whatever it asks for, or complains of, is kept."""
    context = browser.new_context(color_scheme="light", viewport={"width": 320, "height": 640})
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(address)
    expect(page).to_have_url(f"{base(address)}/environments")
    yield page
    own = (base(address), "data:", "file:///")
    assert [each for each in asked if not each.startswith(own)] == []
    # The page that is not there is asked for on purpose.
    assert [each for each in complaints if "404 (Not Found)" not in each] == []


def base(address: str) -> str:
    return address.partition("/?")[0]


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    answer = Axe().run(page, options={"resultTypes": ["violations"], **options})
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in answer.response["violations"]
        for node in each["nodes"]
    ]


def by_keyboard(page: Page) -> None:
    """Fail unless Tab comes to everything that can be used, in its order, and is seen there."""
    number = page.evaluate(f"{USABLE}.length")
    places = []
    for _ in range(number):
        page.keyboard.press("Tab")
        places.append(page.evaluate(REACHED))
    assert places == [[n, True] for n in range(number)]


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_page_works_by_keyboard_on_a_phone_light_and_dark(
    path: str, page: Page, address: str
) -> None:
    page.goto(base(address) + path)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    by_keyboard(page)
    assert violations(page, RULES) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, CONTRAST) == []
    page.emulate_media(color_scheme="light")


def test_the_token_leaves_the_address_bar_and_the_history(page: Page, address: str) -> None:
    assert "token" not in page.url
    page.goto(address)
    page.wait_for_url("**/environments")
    page.go_back()
    assert "token" not in page.url


def test_a_search_a_copy_and_a_link_need_no_mouse(page: Page, address: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{base(address)}/environments")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Copy limbeck migrate -e development").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "limbeck migrate -e development"
    page.get_by_role("link", name="Schema of development").press("Enter")
    page.get_by_label("Search this list").press_sequentially("peop")
    expect(page.locator("tbody tr:visible")).to_have_count(1)
    page.get_by_label("Search tables and columns").fill("orders_")
    page.keyboard.press("Enter")
    expect(page.get_by_text("no tables of 13")).to_be_visible()


def test_the_pages_need_no_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.wait_for_url("**/environments")
    page.get_by_role("link", name="Schema", exact=True).click()
    page.get_by_label("Search tables and columns").fill("people")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="people", exact=True).click()
    page.get_by_role("link", name="Rows").click()
    expect(page.get_by_text("Rows 1 to 50")).to_be_visible()
    context.close()


def test_a_report_is_read_on_a_phone_and_on_paper(page: Page, address: str) -> None:
    page.goto(Path(address.partition("#")[2], "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert violations(page, RULES) == []
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") == PAPER
    assert not page.get_by_role("navigation").is_visible()
