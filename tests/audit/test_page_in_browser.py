"""The page of an audit in a headless Chromium: what it loads, complains of, and fits in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus import SpanRecord, TextRecord, audit_data
from tests.audit.corpora import NASTY, Marked, write_parts
from tests.browser import launched

pytestmark = pytest.mark.slow

LABEL = "<b>" + "a_label_that_is_very_long_" * 4
PARTS: dict[str, list[Marked]] = {
    "train": [
        f"[{NASTY}]({LABEL}) is there and so is [Bonn](LOC) by the way",
        TextRecord("M\ufffdller of IL-2", spans=(SpanRecord(11, 13, NASTY.replace("\u2028", "")),)),
        "שלום [ירושלים](LOC) and [Bonn](ORG) with " + "long" * 80,
    ],
    "dev": [f"[{NASTY}](LOC) is there and so is [Bonn](LOC) by the way", "No."],
    "test": ["[Bonn](PER) " * 40],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from launched()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> Path:
    folder = tmp_path_factory.mktemp("page")
    audit = audit_data(*write_parts(folder, PARTS).values(), encoder=tiny_encoder_dir)
    audit.write(folder)
    return folder / "audit.html"


@pytest.mark.parametrize("width", [1280, 390])
def test_page_shows_itself(browser: Any, path: Path, width: int) -> None:
    """Nothing is loaded, obeyed or complained of; with all of it unfolded, nothing sticks out."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.title() == "train.jsonl: data audit"
    assert page.locator("b").count() == 0
    marked = page.locator("mark", has_text="</script><script>")
    assert marked.count() > 0
    for link in page.locator("nav a").all():
        assert page.locator(f"section{link.get_attribute('href')} h2").count() == 1
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0
    assert requests == [path.as_uri()]
    assert complaints == []
    context.close()
