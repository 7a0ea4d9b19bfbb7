"""The component in a pipeline: what it leaves there, settings, saving, processes, training."""

import copy
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from thinc.api import Config

from spacy_ner_plus.annotation.rule_hits import RULE_HITS, rule_hits
from spacy_ner_plus.pipeline.rules.component import NerPlusRules

ROWS: list[dict[str, Any]] = [
    {"label": "ORG", "phrase": "Acme", "id": "acme"},
    {"label": "ORG", "phrase": "Acme Labs", "id": "labs"},
    {"label": "CODE", "regex": "[A-Z]{2}-[0-9]+", "rule": "codes"},
    {"label": "PLACE", "pattern": [{"LOWER": "new"}, {"LOWER": "york"}]},
    {"label": "PLACE", "phrase": "york", "attribute": "LOWER", "kind": "soft", "weight": 2.5},
    {"label": "DRUG", "phrase": "lab", "kind": "soft", "weight": -1},
    {"phrase": "XG-1", "kind": "block"},
    {"label": "ORG", "phrase": "Inc.", "kind": "block_words"},
]
TEXT = "Acme Labs in New York sells XG-4500 , not XG-1 ; Acme Inc. does a lab ."
EXPECTED = [("Acme Labs", "ORG"), ("New York", "PLACE"), ("XG-4500", "CODE"), ("Acme", "ORG")]


def rules_nlp(rows: Any = ROWS, **settings: Any) -> tuple[Language, NerPlusRules]:
    nlp = spacy.blank("xx")
    pipe: Any = nlp.add_pipe("ner_plus_rules", config={"rules": list(rows), **settings})
    return nlp, pipe


def found(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def spans(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


# What is on the Doc


def test_hits_become_entities_and_travel_on() -> None:
    nlp, pipe = rules_nlp()
    doc = nlp(TEXT)
    assert found(doc) == EXPECTED
    assert [ent.ent_id_ for ent in doc.ents] == ["labs", "", "", "acme"]
    assert {ent._.probability for ent in doc.ents} == {None}
    rows = {(doc.text[start:end], *more) for start, end, *more in rule_hits(doc)}
    assert rows == {
        ("Acme Labs", "ORG", "hard", 0.0, "phrases", "labs"),
        ("New York", "PLACE", "hard", 0.0, '[{"LOWER": "new"}, {"LOWER": "york"}]', ""),
        ("York", "PLACE", "soft", 2.5, "phrases", ""),
        ("XG-4500", "CODE", "hard", 0.0, "codes", ""),
        ("XG-1", "", "block", 0.0, "phrases", ""),
        ("Acme", "ORG", "hard", 0.0, "phrases", "acme"),
        ("Inc.", "ORG", "block_words", 0.0, "phrases", ""),
        ("lab", "DRUG", "soft", -1.0, "phrases", ""),
    }
    counts = pipe.counts
    assert (counts.documents, counts.entities, counts.conflicts, counts.blocked) == (1, 4, 1, 1)
    assert counts.hits == {"hard": 6, "soft": 2, "block": 1, "block_words": 1}
    assert pipe.labels == ("CODE", "DRUG", "ORG", "PLACE")


def test_document_without_hits_is_outside_everywhere() -> None:
    nlp, _ = rules_nlp()
    doc = nlp("nothing to see")
    assert not doc.ents and doc.has_annotation("ENT_IOB", require_complete=True)
    assert not doc.user_data


def test_ids_may_be_those_of_a_knowledge_base() -> None:
    nlp, _ = rules_nlp(ids="kb_id")
    first = nlp(TEXT).ents[0]
    assert (first.ent_id_, first.kb_id_) == ("", "labs")


def test_spans_key() -> None:
    nlp, _ = rules_nlp(spans_key="rules")
    doc = nlp(TEXT)
    assert [span.text for span in doc.spans["rules"]] == [text for text, _ in EXPECTED]
    assert "scores" not in doc.spans["rules"].attrs
    doc = nlp("nothing")
    assert len(doc.spans["rules"]) == 0


def test_soft_hits_become_entities_where_nothing_hard_is() -> None:
    nlp, _ = rules_nlp(soft_ents=True)
    assert found(nlp("york , New York , a lab")) == [("york", "PLACE"), ("New York", "PLACE")]


def test_same_span_of_two_rules_is_of_the_first() -> None:
    rows = [{"label": label, "regex": regex} for label, regex in (("A", "x|y"), ("B", "[xz]"))]
    nlp, pipe = rules_nlp([*rows, {"label": "A", "phrase": "x"}, {"label": "B", "phrase": "y"}])
    assert found(nlp("x y z")) == [("x", "A"), ("y", "A"), ("z", "B")]
    assert (pipe.counts.repeated, pipe.counts.conflicts) == (1, 2)


# What is there already


def annotated(nlp: Language, *entities: tuple[int, int, str], blocked: tuple[int, ...] = ()) -> Doc:
    doc = nlp.make_doc(TEXT)
    given = [Span(doc, *entity) for entity in entities]
    doc.set_ents(given, blocked=[doc[i : i + 1] for i in blocked], default="outside")
    return doc


def test_entities_that_are_there_are_kept_and_shorter_hits_found_beside_them() -> None:
    nlp, pipe = rules_nlp()
    doc = pipe(annotated(nlp, (1, 2, "OTHER"), (3, 5, "PLACE"), blocked=(6,)))
    assert spans(doc) == [(0, 1, "ORG"), (1, 2, "OTHER"), (3, 5, "PLACE"), (11, 12, "ORG")]
    assert doc[6].ent_iob_ == "B" and not doc[6].ent_type_
    assert pipe.counts.existing == 2  # Acme Labs and XG-4500
    hard = [hit for hit in rule_hits(doc) if hit.kind == "hard"]
    assert [doc.text[hit.start : hit.end] for hit in hard] == ["Acme", "New York", "Acme"]


def test_entities_that_are_there_are_overwritten() -> None:
    nlp, pipe = rules_nlp(existing_ents="overwrite")
    doc = pipe(annotated(nlp, (1, 2, "OTHER"), blocked=(6,)))
    assert found(doc) == EXPECTED


@pytest.mark.filterwarnings("ignore:.*has no rules")
@pytest.mark.parametrize("spans_key", [None, "rules"])
@pytest.mark.parametrize("soft_ents", [False, True])
def test_read_again_with_other_rules_replaces_its_own(
    spans_key: str | None, soft_ents: bool
) -> None:
    nlp, pipe = rules_nlp(spans_key=spans_key, soft_ents=soft_ents)
    doc = nlp(TEXT + " york")
    before = (found(doc), rule_hits(doc))
    pipe(doc)
    assert (found(doc), rule_hits(doc)) == before
    pipe.clear()
    pipe.add_phrases(["Labs"], "LAB")
    assert found(pipe(doc)) == [("Labs", "LAB")]
    assert [ent.ent_id_ for ent in doc.ents] == [""]
    pipe.clear()
    pipe(doc)
    assert not doc.ents and not len(rule_hits(doc))


def test_merged_tokens_are_found_and_hits_follow() -> None:
    nlp, _ = rules_nlp()
    doc = nlp(TEXT)
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[3:5])
    assert [doc.text[s:e] for s, e, *_ in rule_hits(doc)][:2] == ["Acme Labs", "New York"]
    merging = spacy.blank("xx")
    merging.add_pipe("merge_it")
    merging.add_pipe("ner_plus_rules", config={"rules": [{"label": "P", "regex": "New York"}]})
    assert spans(merging(TEXT)) == [(3, 4, "P")]


@Language.component("merge_it")
def merge_it(doc: Doc) -> Doc:
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[3:5])
    return doc


def test_two_components_leave_hits_of_their_own() -> None:
    nlp, _ = rules_nlp([{"label": "A", "phrase": "x"}])
    nlp.add_pipe("ner_plus_rules", "more", config={"rules": [{"label": "B", "phrase": "y"}]})
    doc = nlp("x y")
    assert [hit.label for hit in rule_hits(doc)] == ["A", "B"]
    assert sorted(doc._.get(RULE_HITS)) == ["more", "ner_plus_rules"]


def test_hits_are_stored_with_documents() -> None:
    nlp, pipe = rules_nlp()
    doc = nlp(TEXT)
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    [read] = DocBin().from_bytes(stored).get_docs(nlp.vocab)
    assert rule_hits(read) == rule_hits(doc)
    assert rule_hits(pipe(read)) == rule_hits(doc)


# Validators


def test_hit_that_a_validator_refuses_beats_no_other_and_does_not_travel() -> None:
    rows = [{"label": "CARD", "regex": "[0-9]+ [0-9]+"}, {"label": "N", "regex": "[0-9]+"}]
    nlp, pipe = rules_nlp(rows, validators={"CARD": "luhn"})
    doc = nlp("7992739 8713 or 7992739 8714")
    assert found(doc) == [("7992739 8713", "CARD"), ("7992739", "N"), ("8714", "N")]
    assert pipe.refused == {"CARD": 1}
    assert [hit.label for hit in rule_hits(doc)] == ["CARD", "N", "N"]


# Errors


def test_document_that_fails_gets_to_the_handler_alone() -> None:
    nlp, pipe = rules_nlp([{"label": "X", "pattern": [{"POS": "NOUN"}]}, *ROWS])
    failed = []
    pipe.set_error_handler(lambda name, proc, docs, error: failed.append((name, *docs)))
    docs = [nlp.make_doc(text) for text in ("Acme", "bad", "XG-4500")]
    for doc in (docs[0], docs[2]):
        for token in doc:
            token.pos_ = "X"
    assert [found(doc) for doc in pipe.pipe(docs)] == [[("Acme", "ORG")], [("XG-4500", "CODE")]]
    assert failed == [("ner_plus_rules", docs[1])]


def test_documents_are_counted_once_where_one_fails() -> None:
    _, pipe = rules_nlp()
    failed = []
    pipe.set_error_handler(lambda name, proc, docs, error: failed.append(str(error)))
    docs = [pipe.nlp.make_doc("Acme") for _ in range(3)]
    docs[1].set_ents([], default="outside")
    docs[1]._.rule_hits = {pipe.name: 3}
    assert [found(doc) for doc in pipe.pipe(docs)] == [[("Acme", "ORG")]] * 2
    assert len(failed) == 1
    assert "holds no hits of rules" in failed[0]
    assert (pipe.counts.documents, pipe.counts.entities) == (2, 2)


# Saving, processes


@pytest.fixture
def all_ways(tmp_path: Path) -> list[Language]:
    nlp, _ = rules_nlp([*ROWS, {"label": "BIG", "phrase": "sells"}])
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    loaded.to_disk(tmp_path / "saved")  # onto the files that it is mapped from
    loaded.to_disk(tmp_path / "again")
    by_bytes = spacy.blank("xx")
    by_bytes.add_pipe("ner_plus_rules")
    by_bytes.from_bytes(nlp.to_bytes())
    return [
        nlp,
        loaded,
        spacy.load(tmp_path / "saved"),
        spacy.load(tmp_path / "again"),
        by_bytes,
        pickle.loads(pickle.dumps(nlp)),
        copy.deepcopy(nlp),
    ]


def test_rules_are_saved_with_the_pipeline(all_ways: list[Language]) -> None:
    for nlp in all_ways:
        doc = nlp(TEXT)
        expected = sorted([*EXPECTED, ("sells", "BIG")], key=lambda pair: TEXT.index(pair[0]))
        assert sorted(found(doc)) == sorted(expected)
        assert len(rule_hits(doc)) == 9
        pipe: Any = nlp.get_pipe("ner_plus_rules")
        pipe.add_phrases(["not"], "NOT")
        assert ("not", "NOT") in found(nlp(TEXT))
        assert len(pipe) == 10


@pytest.mark.parametrize(
    "name", ["rules.json", "hard_orth.phrases", "soft_lower.phrases", "hard_norm.phrases"]
)
def test_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    nlp, _ = rules_nlp()
    nlp.to_disk(tmp_path)
    (tmp_path / "ner_plus_rules" / "model" / name).write_bytes(b"{}")
    with pytest.raises(ValueError, match=name):
        spacy.load(tmp_path)


def test_rules_that_lack_the_group_of_a_phrase_are_refused() -> None:
    _, pipe = rules_nlp()
    files = pipe.to_files()
    files["rules.json"] = NerPlusRules(spacy.blank("xx")).to_files()["rules.json"]
    with pytest.raises(ValueError, match=r"lacks the rules .* of its phrases"):
        pipe.read_files(files, is_verified=False)  # type: ignore[arg-type]
    assert len(pipe) == len(ROWS)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"rules_version": 2, "rules": []}',
        b'{"rules_version": 1, "rules": [3]}',
        b'{"rules_version": 1, "rules": [{"phrases": ["X", "hard"]}]}',
        b'{"rules_version": 1, "rules": [{"phrases": ["X", "firm", "y"]}]}',
        b'{"rules_version": 1, "rules": [{"label": "X", "regex": "("}]}',
        b'{"rules_version": 1, "rules": [{"label": "X", "pattern": "a", "regex": "b"}]}',
        b'{"rules_version": 1, "rules": [{"label": "X", "pattern": [{"FOO": 1}]}]}',
        b'{"rules_version": 1, "rules": [{"label": "X", "pattern": [{"TEXT": {"REGEX": "("}}]}]}',
        b'{"rules_version": 1, "rules": [{"label": "\\ud800", "regex": "b"}]}',
        b'{"rules_version": 1, "rules": [{"label": "X", "regex": "b", "id": "\\ud800"}]}',
        b'{"rules_version": 1, "rules": [{"phrases": ["\\ud800", "hard", "y"]}]}',
        b'{"rules_version": 1, "rules": [{"label": "X", "regex": "%b"}]}'
        % (b"(" * 9000 + b"a" + b")" * 9000),
        b'{"rules_version": 1, "rules": [{"label": "X", "regex": "a", "kind": "soft", "weight": '
        b"1%b}]}" % (b"0" * 400),
    ],
)
def test_file_that_somebody_else_wrote_is_refused(content: bytes) -> None:
    _, pipe = rules_nlp()
    with pytest.raises(ValueError, match=r"rules\.json"):
        pipe.read_files({"rules.json": content}, is_verified=True)
    with pytest.raises(ValueError, match=r"lacks rules\.json"):
        pipe.read_files({}, is_verified=True)
    assert len(pipe) == len(ROWS)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_find_the_same(method: str, tmp_path: Path) -> None:
    nlp, _ = rules_nlp()
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method(method, force=True)
    try:
        docs = list(loaded.pipe([TEXT, "nothing", TEXT], n_process=2, batch_size=1))
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert [found(doc) for doc in docs] == [EXPECTED, [], EXPECTED]
    assert rule_hits(docs[2]) == rule_hits(nlp(TEXT))


def test_memory_zone() -> None:
    nlp, _ = rules_nlp()
    for _ in range(2):
        with nlp.memory_zone():
            assert found(nlp(TEXT)) == EXPECTED


def test_component_of_another_pipeline() -> None:
    nlp, _ = rules_nlp()
    other = spacy.blank("xx")
    other.add_pipe("ner_plus_rules", source=nlp)
    assert found(other(TEXT)) == EXPECTED


# Configs


CONFIG = """
[nlp]
lang = "xx"
pipeline = ["rules"]

[components]

[components.rules]
factory = "ner_plus_rules"
rules = [{"label": "CODE", "regex": "XG-[0-9]+"}]

[initialize]

[initialize.components]

[initialize.components.rules]
rules = [{"path": "FILE", "label": "DRUG", "kind": "hard"}]
"""


def test_rules_of_files_come_with_initialize_and_need_no_file_afterwards(tmp_path: Path) -> None:
    (tmp_path / "drugs.csv").write_text("phrase,id\naspirin,D1\n", encoding="utf8")
    config = Config().from_str(CONFIG.replace("FILE", str(tmp_path / "drugs.csv")))
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    nlp.initialize()
    nlp.initialize()  # they are not there twice
    (tmp_path / "drugs.csv").unlink()
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert found(loaded("aspirin XG-1")) == [("aspirin", "DRUG"), ("XG-1", "CODE")]
    pipe: Any = loaded.get_pipe("rules")
    assert len(pipe) == 2


@pytest.mark.parametrize("rule", ["rules.jsonl", {"path": "rules.jsonl", "label": "X"}])
def test_file_in_the_components_own_section_is_refused(rule: Any) -> None:
    with pytest.raises(ValueError, match=r"names a file: .*Name it in \[initialize"):
        rules_nlp([rule])


def test_initialize_without_rules_leaves_those_that_were_added() -> None:
    nlp, pipe = rules_nlp([])
    pipe.add_regex("a+", "A")
    nlp.initialize()
    assert found(nlp("aa")) == [("aa", "A")]


def test_initialize_that_fails_leaves_the_rules() -> None:
    _, pipe = rules_nlp()
    with pytest.raises(ValueError, match="rule 9: "):
        pipe.initialize(rules=[{"label": "X"}])
    assert len(pipe) == len(ROWS)


def test_default_config_is_complete() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner_plus_rules")
    filled = nlp.config.interpolate()
    again = spacy.util.load_model_from_config(filled, auto_fill=False)
    assert again.pipe_names == ["ner_plus_rules"]


def test_python_face() -> None:
    nlp, pipe = rules_nlp([])
    pipe.add_patterns([{"label": "ORG", "pattern": "Acme", "id": "a"}])
    pipe.add_phrases(["york"], "PLACE", kind="soft", weight=3, rule="places", attribute="LOWER")
    pipe.add_regex("[0-9]+", "N", kind="block")
    assert pipe.rules == [
        {"label": "N", "regex": "[0-9]+", "kind": "block", "rule": "[0-9]+"},
        {"label": "ORG", "phrase": "Acme", "id": "a", "rule": "phrases", "attribute": "ORTH"},
        {
            "label": "PLACE", "phrase": "york", "kind": "soft", "weight": 3.0, "rule": "places",
            "attribute": "LOWER",
        },
    ]  # fmt: skip
    assert len(pipe) == 3
    assert found(nlp("Acme York 12")) == [("Acme", "ORG")]


def test_rules_overwrite_entities_but_not_those_of_rules_before() -> None:
    nlp, _ = rules_nlp([{"label": "A", "phrase": "b c"}])
    config = {"rules": [{"label": "B", "regex": "a b|c|d e"}], "existing_ents": "overwrite"}
    more = nlp.add_pipe("ner_plus_rules", "more", config=config)
    doc = nlp.make_doc("a b c d e")
    doc.set_ents([Span(doc, 3, 4, "OTHER")])
    doc = more(nlp.get_pipe("ner_plus_rules")(doc))  # type: ignore[operator]
    assert spans(doc) == [(1, 3, "A"), (3, 5, "B")]
    assert [hit.label for hit in rule_hits(doc)] == ["A", "B"]
    assert spans(more(doc)) == [(1, 3, "A"), (3, 5, "B")]  # type: ignore[operator]


def test_component_without_rules_says_so_once() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner_plus_rules", "empty")
    with pytest.warns(UserWarning, match="'empty' has no rules"):
        assert not nlp("a text").ents
    assert not nlp("a text").ents
