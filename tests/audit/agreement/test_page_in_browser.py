"""The page of an agreement in a headless Chromium."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus import SpanRecord, TextRecord, agreement
from spacy_ner_plus.audit.agreement.agreement_schema import AgreementMetrics
from spacy_ner_plus.audit.agreement.report import render_agreement
from tests.audit.agreement.annotated import real_texts, second_annotator, write_annotators
from tests.browser import NASTY, launched

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from launched()


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> AgreementMetrics:
    """Two annotators of real texts, and of one that would break a page that is not careful."""
    folder = tmp_path_factory.mktemp("annotators")
    records = real_texts(300)
    spans = (SpanRecord(0, 5, NASTY.partition("\u2028")[0]),)
    nasty = [TextRecord(NASTY, spans=spans, id=NASTY), TextRecord(NASTY, id=NASTY)]
    texts = {"anna": [nasty[0], *records], "ben": [nasty[1], *second_annotator(records, 1)]}
    return agreement(write_annotators(folder, **texts), samples=20).metrics


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, metrics: AgreementMetrics) -> Path:
    path = tmp_path_factory.mktemp("page") / "agreement.html"
    path.write_text(render_agreement(metrics), encoding="utf8")
    return path


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def page(browser: Any, path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page; whatever a test does, nothing is loaded and nothing complained of."""
    context = browser.new_context(
        viewport={"width": request.param, "height": 900}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda one: requests.append(one.url))
    page.on("console", lambda one: complaints.append(one.text))
    page.on("pageerror", lambda one: complaints.append(str(one)))
    page.goto(path.as_uri())
    yield page
    assert requests == [path.as_uri()]
    assert complaints == []
    context.close()


def kinds(page: Any) -> list[str]:
    return list(page.locator("#place-list li:visible b").first.all_text_contents())


def n_shown(page: Any) -> int:
    return int(page.locator("#place-list > li:visible").count())


def test_page_is_whole_and_not_wider_than_the_screen(page: Any, metrics: AgreementMetrics) -> None:
    assert page.title() == "Agreement of anna, ben"
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0
    assert f"{metrics.alphas.all.alpha:.3f}" in page.text_content("header")
    first = page.locator("#place-list > li").first.text_content()
    assert NASTY in first
    assert page.locator("#place-list > li").count() == len(metrics.disagreements)


def test_kinds_and_labels_choose_what_is_shown(page: Any, metrics: AgreementMetrics) -> None:
    assert n_shown(page) == min(50, len(metrics.disagreements))
    for kind in metrics.kinds:
        n = sum(kind in one.kinds for one in metrics.disagreements)
        if n:
            page.click(f"button[data-kind={kind}]")
            assert n_shown(page) == min(50, n)
            assert page.evaluate("document.activeElement.id") == "places-heading"
    one = next(one for one in metrics.confused if one.labels[1] is not None)
    page.click(f'button[data-label="{one.labels[0]}"][data-other="{one.labels[1]}"]')
    here = [
        {span.label for side in place.sides for span in side.spans}
        for place in metrics.disagreements
    ]
    assert n_shown(page) == sum({*one.labels} <= labels for labels in here)
    page.click("#filters button[type=reset]")
    page.locator("#place-list > li:visible").nth(49).wait_for()


def test_texts_are_looked_for_and_more_are_shown(page: Any, metrics: AgreementMetrics) -> None:
    page.fill("#query", "No Such Text")
    assert n_shown(page) == 0
    assert "None of" in page.text_content("#shown")
    word = metrics.disagreements[3].text
    page.fill("#query", f" {word.upper()} ")
    assert n_shown(page) >= 1
    page.fill("#query", "")
    page.click("#more")
    assert n_shown(page) == min(100, len(metrics.disagreements))


def test_page_without_disagreements_has_none(browser: Any, tmp_path: Path) -> None:
    records = real_texts(3)
    same = agreement(write_annotators(tmp_path, anna=records, ben=records), samples=2)
    path = tmp_path / "same.html"
    path.write_text(same.report, encoding="utf8")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert "There are no disagreements." in page.text_content("#kinds")
    assert page.locator("#places").count() == 0
    page.close()


def test_page_holds_some_of_many(metrics: AgreementMetrics) -> None:
    page = render_agreement(metrics, most_places=10)
    assert page.count("<li data-kinds=") == 10
    assert f"Of {len(metrics.disagreements):,} places, 10 are shown here" in page
