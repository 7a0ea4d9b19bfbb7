"""A headless Chromium for tests of pages: without one they are left out, or fail if told to."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
NASTY = "</script><script>document.title='broken'</script>\u2028<b>bold</b>"
NEEDED = os.environ.get("SPACY_NER_PLUS_NEEDS_BROWSER") == "1"


def launched() -> Iterator[Any]:
    """YIELDS: The browser, which is closed in the end."""
    sync_api = pytest.importorskip("playwright.sync_api")
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        reason = f"no browser: none of {', '.join(NAMES)} is installed"
        (pytest.fail if NEEDED else pytest.skip)(reason)
    with sync_api.sync_playwright() as playwright:
        # Chromium has no sandbox for root, which containers often are.
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox"], timeout=120_000
        )
        yield browser
        browser.close()
