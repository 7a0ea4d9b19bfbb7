"""The report without a browser: what is in the file, and what is not."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.report import write_report
from spacy_ner_plus.evaluation.report.error_browser import browser_data, spread
from spacy_ner_plus.evaluation.report.page import TITLES
from spacy_ner_plus.evaluation.schema import ErrorKind, Metrics
from spacy_ner_plus.pages.figures import by_support, confusion, last_part
from spacy_ner_plus.pages.svg import shown
from spacy_ner_plus.support.typed_json import from_json
from tests.evaluation.report_sample import make_sample

MICRO_ROW = """
<th scope="row">micro</th>
<td class="number">85.0</td>
<td class="number">81.0</td>
<td class="number strong">83.0</td>
<td class="number quiet">82.4 to 83.7</td>"""
VOID = {"meta", "input", "br", "link", "img", "hr"}
NASTY = "</script><script>alert('!')</script><!--\u2028&amp;<b onclick=\"x\">'\x0b\x00$\\frac$"


class Page(HTMLParser):
    """Checks that elements close in order; collects tags, ids, attributes and scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        tag = self.open[-1] if self.open else ""
        self.texts[tag] = self.texts.get(tag, "") + data
        if tag in ("h1", "h2", "h3"):
            self.headings.append(data)

    def values(self, key: str) -> list[str]:
        return [value for _, name, value in self.attributes if name == key]


def written(metrics: dict[str, Any], errors: list[dict[str, Any]], folder: Path) -> str:
    path = folder / "report.html"
    write_report(from_json(Metrics, metrics, "sample"), errors, path)
    return path.read_text(encoding="utf8")


def embedded(html: str, name: str) -> Any:
    match = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', html, re.S)
    assert match
    return json.loads(match[1])


@pytest.mark.slow
@pytest.mark.parametrize("n_labels", [1, 2, 40])
def test_report_is_one_sound_page_with_all_sections(n_labels: int, tmp_path: Path) -> None:
    html = written(*make_sample(tuple(f"L{i}" for i in range(n_labels))), tmp_path)
    page = Page(html)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(TITLES) & set(ids) == set(TITLES) - {"nesting"}  # nothing nests
    referred = [value[1:] for value in page.values("href") + page.values("xlink:href")]
    referred += [each for value in page.values("aria-labelledby") for each in value.split()]
    referred += page.values("for")
    referred += re.findall(r"url\(#([^)]*)\)", html)
    assert set(referred) <= set(ids)
    assert page.tags["h1"] == page.tags["main"] == page.tags["nav"] == 1
    assert page.tags["svg"] == page.tags["desc"] == 5
    assert page.tags["caption"] == page.tags["table"]


def test_report_names_no_address_to_load_from(tmp_path: Path) -> None:
    page = Page(html := written(*make_sample(), tmp_path))
    assert not page.tags.keys() & {"link", "img", "iframe", "object", "embed", "base"}
    loading = [*page.values("src"), *page.values("href"), *page.values("xlink:href")]
    assert all(value.startswith("#") for value in loading)
    assert not re.search(r"@import|url\((?!#)", html)
    assert set(re.findall(r"https?://[^\s\"']*", html)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_report_shows_the_figures_of_the_metrics(tmp_path: Path) -> None:
    metrics, errors = make_sample()
    metrics["exact"]["micro"] |= {"precision": 0.84963, "recall": 0.81, "f1": 0.83046}
    metrics["intervals"]["micro"]["f1"] = [0.82449, 0.83651]
    html = written(metrics, errors, tmp_path)
    assert "<dd>83.0<small>82.4 to 83.7</small></dd>" in html
    assert MICRO_ROW in html
    assert "<dd>0.015<small>0.095 before</small>" in html
    assert "<dd>8,123<small>words a second</small>" in html
    assert "<dd>1.9 GB</dd>" in html
    for kind in metrics["errors"]["kinds"]:
        assert f'data-kind="{kind["kind"]}">{kind["name"]}</button>' in html
    assert "of 9,809 gold entities start or end within a token" in html


def test_report_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    sample = make_sample()
    assert written(*sample, tmp_path) == written(*sample, tmp_path)


def test_report_says_why_a_section_is_empty(tmp_path: Path) -> None:
    metrics, errors = make_sample()
    metrics |= {"confidence": None, "speed": None, "intervals": None, "tokenisation": None}
    metrics |= {"train": None, "components": []}
    metrics["slices"] |= {"seen": None, "ambiguity": None, "pieces": None}
    for row in errors:
        for entity in (*row["predicted"], *row["meta"]["predicted"]):
            entity["probability"] = None
    html = written(metrics, errors, tmp_path)
    page = Page(html)
    assert "thresholds" not in page.values("id")
    assert "#thresholds" not in page.values("href")
    assert "The predictions have no probabilities" in html
    assert "they take two documents or more" in html
    assert "needs the training data" in html
    assert "Predictions from a file have no tokens of their own" in html
    assert "words a second" not in html


def test_report_of_an_uncalibrated_pipeline_points_at_calibrate(tmp_path: Path) -> None:
    metrics, errors = make_sample()
    assert "ner-plus calibrate" not in written(metrics, errors, tmp_path)
    metrics["confidence"]["reliability"]["before"] = None
    assert "ner-plus calibrate" in written(metrics, errors, tmp_path)


def test_report_says_how_many_entities_have_no_probability(tmp_path: Path) -> None:
    metrics, errors = make_sample()
    assert "entity_ruler" not in written(metrics, errors, tmp_path)
    metrics["confidence"]["without_probability"] = 1234
    assert "1,234 more have none" in written(metrics, errors, tmp_path)


def test_report_of_a_model_that_finds_nothing_and_of_one_without_errors(tmp_path: Path) -> None:
    metrics, _ = make_sample()
    metrics["slices"]["length"][0] |= {"precision": None, "recall": None}
    for kind in metrics["errors"]["kinds"]:
        kind |= {"errors": 0, "gold": 0, "predicted": 0, "f1_gain": 0.0, "share": 0.0}
    page = Page(html := written(metrics, [], tmp_path))
    assert not [value for value in page.values("data-kind") if value]
    assert embedded(html, "error-data")["errors"] == []
    assert "nan" not in " ".join(page.values("d")).lower()


def test_report_says_of_types_without_gold_that_they_have_none(tmp_path: Path) -> None:
    metrics, errors = make_sample(("Chemical", "Disease", "Gene"))
    metrics["exact"]["types"]["Gene"] |= {"support": 0, "tp": 0, "fn": 0, "f1": 0.0, "recall": 0.0}
    metrics["confidence"]["thresholds"]["types"]["Gene"] |= {"f1": None, "precision": None}
    metrics["types"] = {"predicted_only": {"Gene": 12}}
    html = written(metrics, errors, tmp_path)
    header, _, sections = html.partition("</header>")
    assert "Types of the pipeline that the data lacks, all wrong: Gene (12 predicted)." in header
    assert '<td colspan="8" class="quiet">no gold entities</td>' in sections
    assert list(embedded(html, "threshold-data")["types"]) == ["Chemical", "Disease"]
    assert "Gene: no gold entities" in sections  # of the plot
    metrics["counts"]["gold"] = metrics["exact"]["micro"]["support"] = 0
    for its in metrics["confidence"]["thresholds"]["types"].values():
        its |= {"f1": None, "precision": None}
    html = written(metrics, errors, tmp_path)
    assert "There are no gold entities, so there is no threshold to choose." in html
    assert "<small>no gold entities</small>" in html
    assert "thresholds" not in Page(html).values("id")


def test_thresholds_of_the_report_are_by_the_names_of_the_pipeline(tmp_path: Path) -> None:
    metrics, errors = make_sample(("Chemical", "Disease"))
    assert embedded(written(metrics, errors, tmp_path), "threshold-data")["all_labels"] is None
    metrics["confidence"]["thresholds"]["types"]["Disease"]["labels"] = ["DISEASE"]
    metrics["types"] = {"left_out": {"Gene": {"gold": 0, "predicted": 12}}}
    data = embedded(written(metrics, errors, tmp_path), "threshold-data")
    assert data["all_labels"] == ["Chemical", "DISEASE"]


def test_report_of_data_without_entities(tmp_path: Path) -> None:
    metrics, _ = make_sample()
    for key in ("exact", "partial", "errors"):
        metrics[key]["types"] = {}
    metrics["errors"]["confusion"] = {"labels": [None], "counts": [[0]]}
    metrics["intervals"] = metrics["confidence"] = None
    metrics["counts"]["predicted"] = 0
    metrics["slices"] |= {"length": [], "position": []}
    html = written(metrics, [], tmp_path)
    Page(html)
    assert "There are no predicted entities" in html


@pytest.mark.slow
def test_report_takes_texts_labels_and_names_as_text(tmp_path: Path) -> None:
    labels = (NASTY, "B$_1^$")
    metrics, errors = make_sample(labels, 10)
    metrics |= {"model": NASTY, "data": NASTY, "train": NASTY, "spans_key": NASTY}
    metrics["components"] = [NASTY]
    metrics["tokenisation"]["examples"] = [NASTY]
    metrics["confidence"]["thresholds"]["config"]["f1"] = f"threshold = {json.dumps({NASTY: 0.5})}"
    for row in errors:
        row["text"] += NASTY
    html = written(metrics, errors, tmp_path)
    page = Page(html)
    plain = Page(written(*make_sample(("A", "B"), 10), tmp_path))
    assert page.tags["script"] == plain.tags["script"] == 3
    assert page.tags["b"] == 0
    assert not page.values("onclick")
    data = embedded(html, "error-data")
    assert NASTY in data["labels"]
    assert all(text.endswith(NASTY) for text, _, _ in data["texts"])
    assert NASTY in embedded(html, "threshold-data")["types"]
    assert "\u2028" not in "".join(re.findall(r"<script.*?</script>", html, re.S))


def test_report_of_a_path_that_is_no_utf8_can_be_written(tmp_path: Path) -> None:
    metrics, errors = make_sample()
    metrics["model"] = "model-\udcff"
    assert "model-?" in written(metrics, errors, tmp_path)


@pytest.mark.slow
def test_report_stays_small(tmp_path: Path) -> None:
    metrics, errors = make_sample(tuple(f"LABEL{i}" for i in range(40)), 5000)
    assert len(written(metrics, errors, tmp_path)) < 2_500_000


def test_report_without_matplotlib_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=r"spacy_ner_plus\[evaluate\]"):
        written(*make_sample(), tmp_path)


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 50))
def test_spread_keeps_rare_kinds_whole_and_the_order(kinds: list[str], most: int) -> None:
    rows = [{"meta": {"kind": kind}, "i": i} for i, kind in enumerate(kinds)]
    kept = spread(rows, most)
    places = [row["i"] for row in kept]
    assert places == sorted(set(places))
    assert len(kept) == min(most, len(rows))
    have, left = Counter(kinds), Counter(row["meta"]["kind"] for row in kept)
    largest = max(left.values(), default=0)
    for kind, n in have.items():
        assert left[kind] == n or left[kind] >= largest - 1


def test_spread_takes_errors_from_all_over_the_data() -> None:
    rows = [{"meta": {"kind": "missed"}, "i": i} for i in range(1000)]
    assert [row["i"] for row in spread(rows, 4)] == [0, 250, 500, 750]


def test_browser_data_tells_what_the_rows_tell() -> None:
    metrics, errors = make_sample(("A", "B", "C"), 30)
    twice = [*errors, errors[3] | {"meta": errors[3]["meta"] | {"id": "3-1"}}]
    kinds = from_json(Metrics, metrics, "sample").errors.kinds
    data = browser_data(twice, kinds, 100)
    assert data["total"] == len(data["errors"]) == 31
    assert len(data["texts"]) == 30
    labels = data["labels"]
    for row, found in zip(twice, data["errors"], strict=True):
        name, kind, document, start, place, gold, predicted, pairs = found
        meta = row["meta"]
        text, golds, others = data["texts"][place]
        assert (name, document) == (meta["id"], meta["document"])
        assert start == 40 + min(e["start"] for e in [*meta["gold"], *meta["predicted"]])
        assert data["kinds"][kind] == [meta["kind"], meta["name"]]
        assert text == row["text"]
        for side, places, entities in (("gold", gold, golds), ("predicted", predicted, others)):
            assert [entities[i] for i in places] == [
                [e["start"], e["end"], labels.index(e["label"]), e.get("probability")]
                for e in meta[side]
            ]
        assert Counter(labels[g] for g, _ in pairs if g >= 0) == Counter(
            e["label"] for e in meta["gold"]
        )
        assert Counter(labels[p] for _, p in pairs if p >= 0) == Counter(
            e["label"] for e in meta["predicted"]
        )


def test_browser_data_pairs_what_overlaps_most() -> None:
    def entity(start: int, end: int, label: str) -> dict[str, Any]:
        return {"start": start, "end": end, "label": label}

    gold = [entity(0, 10, "A")]
    predicted = [entity(0, 3, "B"), entity(4, 10, "C")]
    meta = {"id": "0-0", "kind": "split", "document": 0, "offset": 0}
    row = {
        "text": "0123456789",
        "spans": gold,
        "predicted": predicted,
        "meta": meta | {"gold": gold, "predicted": predicted},
    }
    data = browser_data([row], [ErrorKind("split", "split", 1, 1, 2, 0.0, 0.0)], 10)
    assert data["labels"] == ["A", "B", "C"]
    assert data["errors"][0][-1] == [[0, 2], [-1, 1]]


def test_confusion_shades_rows_and_the_last_row_by_columns() -> None:
    rows = confusion(["A", "B", None], [[6, 2, 2], [0, 0, 0], [2, 1, 0]])
    assert [row.total for row in rows] == [10, 0, 3]
    assert [cell.share for cell in rows[0].cells] == [0.6, 0.2, 0.2]
    assert [cell.share for cell in rows[1].cells] == [0, 0, 0]
    assert [cell.share for cell in rows[2].cells] == [0.25, 1 / 3, 0]
    assert [cell.count for cell in rows[2].cells] == [2, 1, None]
    assert [cell.right for cell in rows[0].cells] == [True, False, False]


def test_figures_are_short() -> None:
    assert last_part("training/model-best/") == "model-best"
    assert last_part("C:\\models\\best") == "best"
    assert last_part("/") == "/"
    supports = {"b": 1, "a": 1, "c": 3}
    types = {label: SimpleNamespace(support=n) for label, n in supports.items()}
    assert list(by_support(types)) == ["c", "a", "b"]


@given(st.text(max_size=60))
def test_labels_in_plots_are_short_and_allowed_in_xml(label: str) -> None:
    found = shown(label)
    assert len(found) == min(len(label), 22)
    assert found.isprintable()


def test_labels_in_plots_keep_both_ends() -> None:
    assert shown("a_rather_long_type_name_18") == "a_rather_lo…pe_name_18"
