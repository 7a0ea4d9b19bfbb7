"""Other mentions in the place of entities, and templates filled with them."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.data.augmenters import make_filled_templates_v1, make_mention_replacement_v1
from spacy_ner_plus.data.augmenters.filled_templates import read_template
from spacy_ner_plus.data.augmenters.mention_lists import MentionForm, MentionLists
from spacy_ner_plus.data.augmenters.mention_replacement import ENTANGLED, WITHOUT_OTHER

NLP = spacy.blank("en")


def make_doc(words: list[str], *ents: tuple[int, int, str, str]) -> Doc:
    doc = Doc(NLP.vocab, words=words)
    doc.ents = [Span(doc, start, end, label, kb_id=kb_id) for start, end, label, kb_id in ents]
    return doc


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    docs = [
        make_doc(["aspirin", "helps"], (0, 1, "Chemical", "D1")),
        make_doc(
            ["acetylsalicylic-acid", "(", "ASA", ")"],
            (0, 1, "Chemical", ""),
            (2, 3, "Chemical", ""),
        ),
        make_doc(
            ["aspirin", "in", "heart", "failure"],
            (0, 1, "Chemical", "D9"),
            (2, 4, "Disease", ""),
        ),
    ]
    nested = make_doc(["IL", "2", "receptor"])
    nested.spans["sc"] = [Span(nested, 0, 3, "Protein"), Span(nested, 0, 2, "Protein")]
    DocBin(docs=[*docs, nested]).to_disk(tmp_path / "train.spacy")
    return tmp_path / "train.spacy"


@pytest.fixture
def gazetteer(tmp_path: Path) -> Path:
    (tmp_path / "drugs.csv").write_text(
        "phrase,label,id\nibuprofen,Chemical,D2\n beta-blocker ,Chemical,\naspirin,Chemical,D7\n"
    )
    return tmp_path / "drugs.csv"


def test_mentions_are_the_different_ones_of_corpus_and_list(corpus: Path, gazetteer: Path) -> None:
    found = MentionLists(corpus, gazetteer).by_label
    texts = {label: [mention.text for mention in its] for label, its in found.items()}
    assert texts == {
        "Chemical": ["aspirin", "acetylsalicylic-acid", "ASA", "ibuprofen", "beta-blocker"],
        "Disease": ["heart failure"],
        "Protein": ["IL 2 receptor", "IL 2"],
    }
    assert found["Chemical"][0] == MentionForm("aspirin", ("aspirin",), (True,), "D1")
    # in the tokens that they have there
    assert found["Chemical"][1].tokens(NLP) == (("acetylsalicylic-acid",), (False,))
    assert found["Chemical"][4].tokens(NLP)[0] == ("beta", "-", "blocker")


def test_replaced_mentions_have_the_label_and_the_others_identity(
    corpus: Path, gazetteer: Path
) -> None:
    doc = make_doc(
        ["Give", "aspirin", "now", "for", "heart", "failure"],
        (1, 2, "Chemical", "D1"),
        (4, 6, "Disease", "D3"),
    )
    seen = set()
    for seed in range(30):
        augmenter = make_mention_replacement_v1(1.0, 1.0, seed, corpus, gazetteer)
        [made] = augmenter.references(NLP, doc)
        chemical, disease = made.ents
        assert made.text == f"Give {chemical.text} now for heart failure "
        assert (chemical.label_, disease.label_) == ("Chemical", "Disease")
        assert chemical.kb_id_ == {"ibuprofen": "D2"}.get(chemical.text, "")
        assert disease.kb_id_ == "D3"
        # the only one of its label is what is there
        assert augmenter.counts[WITHOUT_OTHER] == 1
        seen.add(chemical.text)
    assert seen == {"acetylsalicylic-acid", "ASA", "ibuprofen", "beta-blocker"}


def test_mentions_with_others_within_stay_and_inner_ones_are_replaced(corpus: Path) -> None:
    doc = Doc(NLP.vocab, words=["the", "IL", "3", "receptor", "gene"])
    doc.spans["sc"] = [Span(doc, 1, 4, "Protein"), Span(doc, 1, 3, "Protein")]
    augmenter = make_mention_replacement_v1(1.0, 1.0, 0, corpus)
    [made] = augmenter.references(NLP, doc)
    outer, inner = made.spans["sc"]
    assert inner.text in ("IL 2", "IL 2 receptor")
    assert outer.text == f"{inner.text} receptor"
    assert augmenter.counts[ENTANGLED] == 1


def test_labels_restrict_what_is_replaced(corpus: Path) -> None:
    doc = make_doc(["aspirin"], (0, 1, "Chemical", ""))
    augmenter = make_mention_replacement_v1(1.0, 1.0, 0, corpus, labels=["Disease"])
    assert list(augmenter.references(NLP, doc)) == [doc]


def test_draw_finds_another_one_or_none() -> None:
    class Few(MentionLists):
        by_label: Any = {"A": [MentionForm("x"), MentionForm("y")], "B": [MentionForm("x")]}  # noqa: RUF012

    few = Few(Path("none"), None)
    drawn = [few.draw("A", Random(seed), but="x") for seed in range(20)]
    assert {mention.text for mention in drawn if mention} == {"y"}
    assert few.draw("B", Random(0), but="x") is None
    assert few.draw("C", Random(0)) is None


def test_files_without_mentions_or_with_bad_rows_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"set corpus, a \.spacy file .* or gazetteer"):
        make_mention_replacement_v1()
    with pytest.raises(ValueError, match=r"no corpus at .*none\.spacy"):
        _ = MentionLists(tmp_path / "none.spacy", None).by_label
    DocBin(docs=[NLP.make_doc("Nothing.")]).to_disk(tmp_path / "empty.spacy")
    with pytest.raises(ValueError, match=r"There is no entity in .*empty\.spacy"):
        _ = MentionLists(tmp_path / "empty.spacy", None).by_label
    (tmp_path / "bad.csv").write_text("phrase,kind\nx,hard\n")
    with pytest.raises(ValueError, match=r"bad\.csv, line 2: a row of a gazetteer must have"):
        _ = MentionLists(None, tmp_path / "bad.csv").by_label


# Templates


def write_templates(folder: Path, text: str) -> Path:
    (folder / "templates.txt").write_text(text, encoding="utf8")
    return folder / "templates.txt"


def test_templates_are_filled_and_gaps_are_the_entities(
    corpus: Path, gazetteer: Path, tmp_path: Path
) -> None:
    templates = write_templates(
        tmp_path, "{Chemical}-induced {Disease} {{rare}}.\n\nNo {Disease}, but {Chemical}\n"
    )
    augmenter = make_filled_templates_v1(templates, 1.0, 3, corpus, gazetteer)
    first = set()
    for number in range(20):
        original, made = augmenter.references(NLP, NLP.make_doc(f"Text {number}."))
        assert original.text == f"Text {number}."
        labels = [ent.label_ for ent in made.ents]
        filled = {ent.label_: ent.text for ent in made.ents}
        first.add(labels[0])
        wanted = (
            "{Chemical}-induced {Disease} {{rare}}."
            if labels[0] == "Chemical"
            else "No {Disease}, but {Chemical}"
        )
        assert made.text == wanted.format(**filled)
        assert len(made.ents) == 2
        assert not (made.to_array("ENT_IOB") == 0).any()  # all is annotated
    assert first == {"Chemical", "Disease"}
    assert augmenter.counts == {"documents": 20, "documents added": 20}


def test_level_0_adds_nothing(corpus: Path, tmp_path: Path) -> None:
    templates = write_templates(tmp_path, "{Chemical}\n")
    doc = NLP.make_doc("Text.")
    augmenter = make_filled_templates_v1(templates, 0.0, None, corpus)
    assert list(augmenter.references(NLP, doc)) == [doc]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{Chemical}{Disease}", "two gaps have nothing between them"),
        ("{Drug} helps", r"{Drug} is for entities of type 'Drug', but there are mentions of"),
        ("a } b", "has a brace of its own"),
        ("a {b", "has a brace of its own"),
    ],
)
def test_bad_templates_are_errors_with_their_line(
    line: str, message: str, corpus: Path, tmp_path: Path
) -> None:
    path = write_templates(tmp_path, f"{{Chemical}} helps.\n{line}\n")
    augmenter = make_filled_templates_v1(path, 1.0, 0, corpus)
    with pytest.raises(ValueError, match=rf"templates\.txt, line 2: .*{message}"):
        list(augmenter.references(NLP, NLP.make_doc("x")))


def test_files_without_templates_are_errors(corpus: Path, tmp_path: Path) -> None:
    path = write_templates(tmp_path, "\n\n")
    for file, message in ((path, "has no templates"), (tmp_path / "no.txt", "There is no file")):
        augmenter = make_filled_templates_v1(file, 1.0, 0, corpus)
        with pytest.raises(ValueError, match=message):
            list(augmenter.references(NLP, NLP.make_doc("x")))


def test_read_template_parts_text_and_gaps() -> None:
    assert read_template("a {X} b{{c}} {Y}", {"X", "Y"}) == ["a ", "X", " b{c} ", "Y", ""]
