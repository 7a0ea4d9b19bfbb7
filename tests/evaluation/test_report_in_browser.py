"""The report in a headless Chromium: what it does when it is clicked, typed at and made narrow."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus.evaluation.report import write_report
from spacy_ner_plus.evaluation.schema import Metrics
from spacy_ner_plus.support.typed_json import from_json
from tests.browser import NASTY, launched
from tests.evaluation.report_sample import make_sample, pairs_of

pytestmark = pytest.mark.slow

# The text of elements that are in no other one of a selector, without the types in it.
TEXT_UNDER = """(all, css) => all.filter(e => !e.parentElement.closest(css)).map(e => {
    const copy = e.cloneNode(true);
    copy.querySelectorAll('.tags').forEach(tags => tags.remove());
    return copy.textContent;
}).join('')"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from launched()


class Opened:
    """A report in a tab of its own, with all that it asks for and complains about."""

    def __init__(self, browser: Any, path: Path, width: int = 1280) -> None:
        self.uri = path.as_uri()
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(self.uri)

    def kinds(self) -> list[str]:
        return list(self.page.locator("#error-list b").all_text_contents())

    def ids(self) -> list[str]:
        return list(
            self.page.eval_on_selector_all("#error-list li", "all => all.map(e => e.dataset.id)")
        )

    def shown(self) -> str:
        return str(self.page.text_content("#shown"))

    def at(self, key: str) -> str:
        return str(self.page.text_content(f"#at-{key}"))

    def marker(self) -> float:
        return float(
            self.page.eval_on_selector(
                "#curves-marker path", "line => line.getBoundingClientRect().x"
            )
        )


def write(metrics: dict[str, Any], errors: list[dict[str, Any]], path: Path, **how: int) -> None:
    write_report(from_json(Metrics, metrics, "sample"), errors, path, **how)


@pytest.fixture(scope="module")
def sample() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return make_sample()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, sample: tuple[Any, Any]) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write(*sample, path)
    return path


@pytest.fixture
def report(browser: Any, path: Path) -> Iterator[Opened]:
    """The sample's report; whatever a test does, nothing is loaded and nothing complained of."""
    opened = Opened(browser, path)
    yield opened
    assert opened.requests == [opened.uri]
    assert opened.complaints == []
    opened.context.close()


def test_click_on_a_kind_shows_its_errors_only(report: Opened) -> None:
    report.page.click("button[data-kind=too_long]")
    assert report.kinds() == ["boundary: too long"] * 12
    assert "1 to 12 of 12 errors, chosen from 120." in report.shown()
    assert report.page.evaluate("document.activeElement.id") == "errors-heading"
    report.page.click("#gains-bar-missed")
    assert report.kinds() == ["missed"] * 12


def test_click_on_a_cell_shows_the_errors_in_it(report: Opened, sample: Any) -> None:
    """Also parts of entities that are split or merged, and those only once."""
    report.page.select_option("#order", "data")
    cells = report.page.locator(".cell")
    assert cells.count() == 6
    for cell in cells.all():
        pair = (cell.get_attribute("data-gold"), cell.get_attribute("data-predicted"))
        cell.click()
        ids = [row["meta"]["id"] for row in sample[1] if pair in pairs_of(row)]
        assert report.ids() == ids
        assert cell.text_content() == str(len(ids))


def test_filters_by_type_and_text_add_up(report: Opened, sample: Any) -> None:
    _, errors = sample
    report.page.select_option("#order", "data")
    report.page.select_option("#kind", label="missed (12)")
    report.page.fill("#query", "  Renal ")
    missed = [row for row in errors if row["meta"]["kind"] == "missed" and "renal" in row["text"]]
    assert 0 < len(missed) < 12
    assert report.ids() == [row["meta"]["id"] for row in missed]
    report.page.select_option("#gold", label="Chemical")
    assert report.ids() == [r["meta"]["id"] for r in missed if r["spans"][1]["label"] == "Chemical"]
    report.page.fill("#query", "no such text")
    assert report.ids() == []
    assert report.shown() == "None of 120 errors."
    report.page.click("#filters button[type=reset]")
    report.page.locator("#error-list li").nth(49).wait_for()
    report.page.select_option("#predicted", label="none (missed)")
    assert set(report.kinds()) == {"missed", "nested inside", "merged"}


def test_surest_errors_come_first(report: Opened, sample: Any) -> None:
    _, errors = sample

    def sure(row: dict[str, Any]) -> float:
        return max((p["probability"] for p in row["meta"]["predicted"]), default=-1.0)

    order = sorted(errors, key=lambda row: -sure(row))
    assert report.ids() == [row["meta"]["id"] for row in order[:50]]
    report.page.select_option("#order", "data")
    assert report.ids() == [row["meta"]["id"] for row in errors[:50]]


def test_pages_turn_by_keyboard(report: Opened) -> None:
    first = report.ids()
    report.page.focus("#next")
    report.page.keyboard.press("Enter")
    assert "51 to 100 of 120" in report.shown()
    assert not set(first) & set(report.ids())
    report.page.keyboard.press("Enter")
    assert "101 to 120 of 120" in report.shown()
    assert report.page.is_disabled("#next")
    assert report.page.evaluate("document.activeElement.id") == "previous"
    report.page.keyboard.press("Enter")
    report.page.keyboard.press("Enter")
    assert report.ids() == first


def test_text_is_marked_where_its_entities_are(browser: Any, tmp_path: Path) -> None:
    """Offsets count characters, not UTF-16 units; entities may overlap and nest."""
    metrics, errors = make_sample(n_errors=1)
    [row] = errors
    gold = [(2, 12, "Disease"), (2, 7, "Chemical")]
    predicted = [(8, 17, "Disease")]
    row["text"] = "\U0001f600 acute renal fail."
    row["spans"] = [{"start": s, "end": e, "label": label} for s, e, label in gold]
    row["predicted"] = [
        {"start": s, "end": e, "label": label, "probability": 0.9996} for s, e, label in predicted
    ]
    row["meta"] |= {"gold": row["spans"][:1], "predicted": row["predicted"]}
    write(metrics, errors, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html")

    def text_under(css: str) -> str:
        return str(opened.page.eval_on_selector_all(f".context span{css}", TEXT_UNDER, css))

    assert text_under(".gold") == "acute rena"
    assert text_under(".predicted") == "renal fai"
    tags = opened.page.locator(".context .tag").all_text_contents()
    assert [" ".join(tag.split()) for tag in tags] == [
        "(gold Chemical)",
        "(gold Disease)",
        "(predicted Disease >0.999)",
    ]
    opened.context.close()


def test_lines_of_entities_that_overlap_are_apart(browser: Any, tmp_path: Path) -> None:
    """The inner one's is nearer to the text, and each entity's line is as long as it is."""
    metrics, errors = make_sample(n_errors=1)
    [row] = errors
    row["text"] = "the University of California at Berkeley"
    entities = [(4, 40, "ORG"), (4, 28, "ORG"), (18, 28, "LOC"), (32, 40, "LOC")]
    row["spans"] = [{"start": s, "end": e, "label": label} for s, e, label in entities]
    row["predicted"] = [row["spans"][i] | {"probability": 0.5} for i in (0, 2)]
    row["meta"] |= {"gold": row["spans"][:1], "predicted": row["predicted"]}
    write(metrics, errors, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html")
    lines = opened.page.eval_on_selector_all(
        ".context .gold",
        """all => all.map(e => [
            e.style.getPropertyValue('--level'),
            Math.round(e.getBoundingClientRect().bottom),
        ])""",
    )
    assert {level for level, _ in lines} == {"0", "1", "2"}
    heights = {level: {y for of, y in lines if of == level} for level in "012"}
    assert all(len(its) == 1 for its in heights.values())
    ys = [heights[level].pop() for level in "012"]
    assert ys[0] < ys[1] < ys[2]
    for level, text in (
        ("2", "University of California at Berkeley"),
        ("1", "University of California"),
    ):
        css = f".gold[style*='--level: {level}']"
        parts = opened.page.eval_on_selector_all(f".context {css}", TEXT_UNDER, css)
        assert parts == text
    assert opened.complaints == []
    opened.context.close()


def test_slider_moves_figures_and_marker(report: Opened, sample: Any) -> None:
    curve = sample[0]["confidence"]["curves"]["micro"]
    assert (report.at("threshold"), report.at("precision")) == ("0.000", "75.0")
    start = report.marker()
    report.page.focus("#threshold")
    for _ in range(3):
        report.page.keyboard.press("ArrowRight")
    assert report.at("threshold") == "0.030"
    for key in ("precision", "recall", "f1"):
        assert report.at(key) == f"{100 * curve[key][3]:.1f}"
    step = report.marker() - start
    assert step > 0
    report.page.keyboard.press("End")
    assert report.at("threshold") == "0.990"
    assert report.marker() - start == pytest.approx(33 * step, rel=0.01)
    assert report.page.text_content("#own-config") == "threshold = 0.99"
    assert report.page.get_attribute("#threshold", "aria-valuetext") == "0.990"


def test_slider_is_for_each_type_by_itself(report: Opened, sample: Any) -> None:
    line = "#curves-line-recall path"
    micro = report.page.get_attribute(line, "d")
    report.page.select_option("#threshold-type", "Chemical")
    assert report.page.get_attribute(line, "d") != micro
    report.page.click("#best-f1")
    point = sample[0]["confidence"]["thresholds"]["types"]["Chemical"]["f1"]
    assert report.at("f1") == f"{100 * point['f1']:.1f}"
    assert report.page.text_content("#own-config") == 'threshold = {"Chemical": 0.2}'
    report.page.click("#best-precision")
    assert report.page.text_content("#own-config") == 'threshold = {"Chemical": 0.6}'
    report.page.select_option("#threshold-type", "Disease")
    assert report.page.is_disabled("#best-precision")
    report.page.focus("#threshold")
    report.page.keyboard.press("ArrowRight")
    assert (
        report.page.text_content("#own-config") == 'threshold = {"Chemical": 0.6, "Disease": 0.01}'
    )
    report.page.click("#no-threshold")
    assert report.page.text_content("#own-config") == 'threshold = {"Chemical": 0.6}'


def test_thresholds_are_by_the_names_of_the_pipeline(browser: Any, tmp_path: Path) -> None:
    metrics, errors = make_sample(("Chemical", "Disease"))
    types = metrics["confidence"]["thresholds"]["types"]
    types["Disease"]["labels"] = ["DISO", "SYMP"]
    types["Chemical"] |= {"f1": None, "precision": None}
    metrics["types"] = {"left_out": {"Gene": {"gold": 0, "predicted": 12}}}
    write(metrics, errors, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html")
    assert opened.page.locator("#threshold-type option").all_text_contents() == [
        "all types",
        "Disease",
    ]
    opened.page.click("#best-f1")
    whole = opened.page.text_content("#own-config")
    assert list(json.loads(whole.removeprefix("threshold = "))) == ["Chemical", "DISO", "SYMP"]
    opened.page.select_option("#threshold-type", "Disease")
    opened.page.click("#best-f1")
    own = opened.page.text_content("#own-config")
    assert own == 'threshold = {"DISO": 0.2, "SYMP": 0.2}'


def test_lines_of_the_plot_stay_where_they_were_drawn(report: Opened) -> None:
    """The script draws in the same units as the plotting library did."""
    redrawn = report.page.eval_on_selector(
        "#curves-line-f1 path", "line => { const b = line.getBBox(); return [b.x, b.y, b.width]; }"
    )
    box = [float(n) for n in str(report.page.get_attribute("#curves", "data-box")).split()]
    spine = report.page.eval_on_selector(
        "#curves-axes_1 path", "axes => { const b = axes.getBBox(); return [b.x, b.width]; }"
    )
    assert redrawn[0] == pytest.approx(box[0], abs=0.1)
    assert redrawn[2] == pytest.approx(0.99 * (box[2] - box[0]), abs=0.1)
    assert spine == pytest.approx([box[0], box[2] - box[0]], abs=0.5)


def test_copy_selects_the_text(report: Opened) -> None:
    report.page.click("[data-copy=config-f1]")
    report.page.locator("[data-copy=config-f1]", has_text=re.compile("Copied|Selected")).wait_for()
    selected = report.page.evaluate("getSelection().toString()")
    assert selected.strip() == 'threshold = {"Chemical": 0.2}'


def test_texts_labels_and_names_stay_text(browser: Any, tmp_path: Path) -> None:
    metrics, errors = make_sample((NASTY, "__proto__"), 10)
    metrics |= {"model": f"a{NASTY}", "data": f"b{NASTY}"}
    for row in errors:
        row["text"] += NASTY
    write(metrics, errors, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html")
    opened.page.select_option("#threshold-type", "__proto__")
    opened.page.click("#best-f1")
    assert opened.page.text_content("#own-config") == 'threshold = {"__proto__": 0.2}'
    opened.page.select_option("#gold", label="__proto__")
    assert 0 < len(opened.ids()) < 10
    assert all(
        NASTY in text for text in opened.page.locator("#error-list .context").all_text_contents()
    )
    assert opened.page.title() != "broken"
    assert opened.page.locator("main b:not(.head b)").count() == 0
    assert opened.requests == [opened.uri]
    assert opened.complaints == []
    opened.context.close()


def test_no_script_but_its_own_may_run(report: Opened) -> None:
    report.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = "document.title = 'broken'";
            document.body.append(script);
        }"""
    )
    assert report.page.title() != "broken"
    [refused] = report.complaints
    assert "Content Security Policy" in refused
    report.complaints.clear()


@pytest.mark.parametrize("n_labels", [2, 40])
def test_page_never_scrolls_sideways(browser: Any, tmp_path: Path, n_labels: int) -> None:
    labels = ("L" * 200, *(f"A_RATHER_LONG_TYPE_NAME_{i}" for i in range(1, n_labels)))
    metrics, errors = make_sample(labels)
    errors[0]["text"] += "x" * 300
    metrics["model"] = "m" * 200
    write(metrics, errors, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html")
    opened.page.select_option("#order", "data")
    for width in (1280, 360):
        opened.page.set_viewport_size({"width": width, "height": 800})
        assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        beyond = opened.page.eval_on_selector_all(
            "main *",
            """all => all.filter(e => !e.closest('.wide, .only-read')
                && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML)""",
        )
        assert beyond == []
    opened.context.close()


@pytest.mark.parametrize("width", [300, 375, 1280])
def test_captions_are_seen_whole(browser: Any, tmp_path: Path, width: int) -> None:
    metrics, errors = make_sample(tuple(f"A_RATHER_LONG_TYPE_NAME_{i}" for i in range(7)))
    write(metrics, errors, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html", width)
    for scrolled in (0, 300):
        cut = opened.page.eval_on_selector_all(
            ".wide caption",
            """(all, scrolled) => all.filter(caption => {
                const area = caption.closest(".wide"), text = document.createRange();
                area.scrollLeft = scrolled;
                text.selectNodeContents(caption);
                const [shown, whole] = [area, text].map(e => e.getBoundingClientRect());
                return whole.left < shown.left - 1 || whole.right > shown.right + 1;
            }).map(caption => caption.textContent)""",
            scrolled,
        )
        assert cut == []
    opened.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_picture_of_the_report_has_something_on_it(
    browser: Any, path: Path, width: int, tmp_path: Path
) -> None:
    opened = Opened(browser, path, width)
    picture = opened.page.screenshot(path=tmp_path / "report.png")
    assert picture.startswith(b"\x89PNG")
    assert len(set(picture)) == 256  # a blank page compresses to less
    assert len(picture) > 15_000
    opened.context.close()


def test_controls_have_names_and_text_has_contrast(report: Opened) -> None:
    unnamed = report.page.eval_on_selector_all(
        "button, select, input",
        "all => all.filter(e => !e.labels?.length && !e.textContent.trim()).map(e => e.outerHTML)",
    )
    assert unnamed == []
    levels = report.page.eval_on_selector_all(
        "h1, h2, h3", "all => all.map(e => Number(e.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert float(report.page.evaluate(LOWEST_CONTRAST)) >= 4.5


def test_printing_shows_all_sections_without_controls(report: Opened) -> None:
    report.page.emulate_media(media="print")
    for css in ("#filters", "#pager", "#threshold", "nav", "[data-copy]"):
        assert not report.page.locator(css).first.is_visible()
    assert report.page.locator("section h2:visible").count() == 8
    assert report.page.locator("#error-list li:visible").count() == 50
    report.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert report.page.locator("details table:visible").count() == 2
    report.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert report.page.locator("details table:visible").count() == 0


def test_what_is_left_out_is_said(browser: Any, tmp_path: Path, sample: Any) -> None:
    write(*sample, tmp_path / "report.html", most_errors=70)
    opened = Opened(browser, tmp_path / "report.html")
    assert opened.shown() == (
        "1 to 50 of 70 errors. 50 more are not in this file, but in errors.jsonl."
    )
    opened.context.close()


def test_report_without_probabilities_works(browser: Any, tmp_path: Path) -> None:
    metrics, errors = make_sample()
    metrics["confidence"] = None
    for row in errors:
        for entity in (*row["predicted"], *row["meta"]["predicted"]):
            entity["probability"] = None
    write(metrics, errors, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html")
    assert opened.page.locator("#order").count() == 0
    assert opened.ids() == [row["meta"]["id"] for row in errors[:50]]
    opened.page.fill("#query", "renal")
    assert opened.ids() == [row["meta"]["id"] for row in errors if "renal" in row["text"]][:50]
    assert opened.complaints == []
    opened.context.close()


# The lowest contrast of any text with what is painted behind it (WCAG 2.2, relative luminance).
LOWEST_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((c, i) => a * c + (1 - a) * below[i]);
  const luminance = (color) => {
    const [r, g, b] = color.map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    const below = e.parentElement ? behind(e.parentElement) : [255, 255, 255];
    const style = getComputedStyle(e);
    const gradient = style.backgroundImage.match(/rgba?\\([^)]*\\)/);
    return over(rgba(gradient ? gradient[0] : style.backgroundColor), below);
  };
  let lowest = 21;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.closest('script, style, svg, noscript')) continue;
    if (e.closest(':disabled') || !e.getClientRects().length) continue;
    const below = behind(e);
    const [a, b] = [luminance(over(rgba(getComputedStyle(e).color), below)), luminance(below)];
    lowest = Math.min(lowest, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return lowest;
}"""
