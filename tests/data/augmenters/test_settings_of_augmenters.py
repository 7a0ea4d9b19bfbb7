"""Augmenters in configs, several in a row, and settings that are no good."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy import registry
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import Config

from spacy_ner_plus.data import augmenters
from spacy_ner_plus.data.augmenters.casing_noise import CasingNoise
from spacy_ner_plus.data.augmenters.in_turn import InTurn
from spacy_ner_plus.data.augmenters.keyboard_typos import KeyboardTypos
from spacy_ner_plus.data.augmenters.named_augmenters import augmenter_of
from spacy_ner_plus.data.augmenters.ocr_errors import OcrErrors
from spacy_ner_plus.data.augmenters.spacing_noise import SpacingNoise

NLP = spacy.blank("en")
CONFIG = """
[corpora]

[corpora.train]
@readers = "spacy_ner_plus.Corpus.v1"
path = "train.spacy"

[corpora.train.augmenter]
@augmenters = "spacy_ner_plus.InTurn.v1"
keep_original = true

[corpora.train.augmenter.*.typos]
@augmenters = "spacy_ner_plus.KeyboardTypos.v1"
level = 1.0
p = 0.3
kinds = ["replace"]

[corpora.train.augmenter.*.lower]
@augmenters = "spacy.lower_case.v1"
level = 1.0
"""


def make_doc() -> Doc:
    doc = NLP.make_doc("Give Aspirin against Migraine.")
    doc.ents = [Span(doc, 1, 2, "Chemical"), Span(doc, 3, 4, "Disease")]
    return doc


def test_several_act_one_after_the_other_spacys_own_among_them() -> None:
    augmenter = registry.resolve(Config().from_str(CONFIG))["corpora"]["train"].augmenter
    random.seed(0)
    doc = make_doc()
    original, made = augmenter.references(NLP, doc)
    assert original is doc
    assert made.text == made.text.lower()
    assert made.text != doc.text.lower()
    assert [ent.label_ for ent in made.ents] == ["Chemical", "Disease"]
    [(name, counts)] = augmenter.tallies()
    assert name == "1. KeyboardTypos"
    assert counts["documents changed"] == 1


def test_original_is_not_given_twice() -> None:
    doc = make_doc()
    unchanging = InTurn(CasingNoise(0.0, 1.0), CasingNoise(1.0, 0.0), keep_original=True)
    assert list(unchanging.references(NLP, doc)) == [doc]
    replaced = InTurn(CasingNoise(1.0, 1.0, forms=["upper"]))
    assert [made.text for made in replaced.references(NLP, doc)] == [doc.text.upper()]


def test_all_augmenters_are_made_by_their_names_alone_but_for_files() -> None:
    doc = make_doc()
    for name in augmenters.__all__:
        registered = "".join(part.title() for part in name[len("make_") : -len("_v1")].split("_"))
        if registered in ("InTurn", "MentionReplacement", "FilledTemplates"):
            continue
        made = augmenter_of([registered], None)
        assert made.level == 0.1  # type: ignore[attr-defined]
        [example] = made(NLP, Example(NLP.make_doc(doc.text), doc))
        assert len(example.reference.ents) == 2


def test_settings_are_given_as_json(tmp_path: Path) -> None:
    one = augmenter_of(['KeyboardTypos={"p": 0.5, "layout": "qwertz"}'], None)
    assert isinstance(one, KeyboardTypos)
    assert one.p == 0.5
    path = tmp_path / "config.cfg"
    path.write_text(CONFIG)
    both = augmenter_of(["spacy_ner_plus.CasingNoise.v1"], path)
    assert isinstance(both, InTurn)
    assert [type(one) for one in both.augmenters] == [InTurn, CasingNoise]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "There is no augmenter: name one with --augmenter"),
        (["Typos"], "There is no augmenter 'Typos': name one of .*spacy_ner_plus.KeyboardTypos.v1"),
        (["KeyboardTypos=p"], "KeyboardTypos=p: p is no JSON"),
        (["KeyboardTypos=[1]"], "must be NAME or NAME="),
        (['KeyboardTypos={"q": 1}'], "--augmenter KeyboardTypos: "),
        (['KeyboardTypos={"p": 2}'], "p = 2 must be from 0 to 1"),
    ],
)
def test_names_and_settings_that_are_no_good_are_errors(given: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        augmenter_of(given, None)


def test_config_without_augmenter_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.cfg"
    path.write_text(CONFIG[: CONFIG.index("[corpora.train.augmenter]")])
    with pytest.raises(ValueError, match=r"there is no block \[corpora\.train\.augmenter\]"):
        augmenter_of([], path)
    with pytest.raises(ValueError, match=r"There is no config .*none\.cfg"):
        augmenter_of([], tmp_path / "none.cfg")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CasingNoise(1.5, 0.1), r"level = 1.5 must be from 0 to 1"),
        (lambda: CasingNoise("x", 0.1), r"level = 'x' must be a number"),  # type: ignore[arg-type]
        (lambda: CasingNoise(1.0, -0.1), r"p = -0.1 must be from 0 to 1"),
        (lambda: CasingNoise(1.0, 0.1, 0.5), r"seed = 0.5 must be a whole number"),  # type: ignore[arg-type]
        (lambda: CasingNoise(1.0, 0.1, forms=["big"]), r"forms = \['big'\] must be a list of some"),
        (lambda: CasingNoise(1.0, 0.1, forms=[]), r"forms = \[\] must be"),
        (lambda: SpacingNoise(1.0, 0.1, kinds=["tab"]), r"kinds = \['tab'\]"),
        (lambda: KeyboardTypos(1.0, 0.1, layout="abc"), r"layout = 'abc' is none of qwerty"),
        (lambda: OcrErrors(1.0, 0.1, spare_digits="no"), r"spare_digits = 'no' must be true"),  # type: ignore[arg-type]
        (lambda: InTurn(), r"There are no augmenters"),
    ],
)
def test_settings_out_of_range_are_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_own_layouts_and_confusions(tmp_path: Path) -> None:
    layout = tmp_path / "keys.json"
    layout.write_text(json.dumps({"rows": ["ab", "c"], "offsets": [0, 5]}))
    doc = Doc(NLP.vocab, words=["aA", "c"])
    [made] = KeyboardTypos(1.0, 1.0, 0, layout=layout, kinds=["replace"]).references(NLP, doc)
    assert [token.text for token in made] == ["bB", "c"]
    confusions = tmp_path / "confusions.json"
    confusions.write_text(json.dumps({"aA": ["x"], "c": ["cc"]}))
    [made] = OcrErrors(1.0, 1.0, 0, confusions=confusions).references(NLP, doc)
    assert [token.text for token in made] == ["x", "cc"]
    for content in ("{", "[]", '{"a": "b"}', '{"a": [""]}', '{"a b": ["c"]}'):
        confusions.write_text(content)
        with pytest.raises(ValueError, match="confusions = "):
            OcrErrors(1.0, 1.0, confusions=confusions)
        layout.write_text(content)
        with pytest.raises(ValueError, match="layout = "):
            KeyboardTypos(1.0, 1.0, layout=layout)


# The command


def test_augment_writes_what_training_would_read(tmp_path: Path) -> None:
    from spacy_ner_plus import augment, read

    doc = make_doc()
    DocBin(docs=[doc, NLP.make_doc("Nothing is known.")]).to_disk(tmp_path / "train.spacy")
    page, out = tmp_path / "page.html", tmp_path / "out.jsonl"
    done = augment(
        tmp_path / "train.spacy",
        out,
        ['CasingNoise={"level": 1, "p": 1, "forms": ["upper"]}'],
        page=page,
        shown=1,
    )
    assert (done.n_documents, done.n_written, done.n_changed) == (2, 2, 2)
    assert done.entities_before == done.entities_after == {"Chemical": 1, "Disease": 1}
    first, second = read(out)
    assert first.text == doc.text.upper()
    assert first.meta == {"augmented": True}
    assert [(s.text, s.label) for s in first.spans or ()] == [
        ("ASPIRIN", "Chemical"), ("MIGRAINE", "Disease"),
    ]  # fmt: skip
    assert second.spans is None
    html = page.read_text(encoding="utf8")
    assert "Aspirin" in html
    assert "ASPIRIN" in html
    assert "Nothing" not in html
    assert ("documents changed", 2) in [(what.strip(), n) for what, n in done.rows()]


RELATED: dict[str, Any] = {
    "id": 7,
    "text": "Aspirin-like drugs and Ibuprofen",
    "meta": {"a": 1},
    "spans": [
        {"start": 0, "end": 7, "label": "A", "id": 1, "meta": {"sure": True}},
        {"start": 1, "end": 3, "label": "B"},
        {"start": 13, "end": 18, "label": "B", "status": "rejected"},
        {"start": 23, "end": 32, "label": "A", "id": 2},
    ],
    "relations": [{"head": 1, "tail": 2, "label": "like"}],
}


def test_augment_keeps_what_it_does_not_change(tmp_path: Path) -> None:
    from spacy_ner_plus import augment, read

    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps(RELATED) + "\n")
    state = random.getstate()
    done = augment(data, tmp_path / "out.jsonl", ['CasingNoise={"level": 0}'])
    assert random.getstate() == state
    [record] = read(tmp_path / "out.jsonl")
    row = record.to_json()
    assert [token["start"] for token in row.pop("tokens")] == [0, 7, 8, 13, 19, 23]
    first, _, *others = RELATED["spans"]  # the second is within a token
    assert row == {**RELATED, "spans": [first, *others], "unknown": [[1, 3]]}
    assert done.n_misplaced == 1
    assert done.n_changed == 0
    assert not done.left_out


def test_augment_counts_what_changed_records_lack(tmp_path: Path) -> None:
    from spacy_ner_plus import augment, read

    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps(RELATED) + "\n")
    upper = 'CasingNoise={"level": 1, "p": 1, "forms": ["upper"]}'
    done = augment(data, tmp_path / "out.jsonl", [upper])
    [record] = read(tmp_path / "out.jsonl")
    assert (record.id, record.meta) == (7, {"a": 1, "augmented": True})
    assert [(span.id, span.text, span.status) for span in record.spans or ()] == [
        ("1", "ASPIRIN", None), ("2", "IBUPROFEN", None), (None, "DRUGS", "rejected"),
    ]  # fmt: skip
    assert [(one.head, one.tail, one.label) for one in record.relations] == [("1", "2", "like")]
    assert +done.left_out == {"details of entities": 1}


def test_augment_is_the_same_for_a_seed(tmp_path: Path) -> None:
    from spacy_ner_plus import augment

    DocBin(docs=[make_doc()] * 5).to_disk(tmp_path / "train.spacy")
    texts = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / f"{name}.jsonl"
        augment(tmp_path / "train.spacy", out, ['KeyboardTypos={"level": 1, "p": 0.3}'], seed=seed)
        texts.append(out.read_text(encoding="utf8"))
    assert texts[0] == texts[1] != texts[2]


def test_augment_refuses_to_write_over_its_input(tmp_path: Path) -> None:
    from spacy_ner_plus import augment

    DocBin(docs=[make_doc()]).to_disk(tmp_path / "train.spacy")
    with pytest.raises(ValueError, match=r"train\.spacy is an input"):
        augment(tmp_path / "train.spacy", tmp_path / "train.spacy", ["CasingNoise"])


def test_augment_writes_nothing_of_nothing(tmp_path: Path) -> None:
    from spacy_ner_plus import augment

    DocBin().to_disk(tmp_path / "train.spacy")
    with pytest.raises(ValueError, match="There is no text"):
        augment(tmp_path / "train.spacy", tmp_path / "out.jsonl", ["CasingNoise"])
    assert not (tmp_path / "out.jsonl").exists()
