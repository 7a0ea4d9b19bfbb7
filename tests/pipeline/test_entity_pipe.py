"""What every component gets that finds entities: shown with toys of some lines each."""

import ast
import copy
import functools
import json
import pickle
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.cli.debug_data import debug_data
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import fix_random_seed, load_config
from spacy.vocab import Vocab
from typer.testing import CliRunner, Result

import spacy_ner_plus
from spacy_ner_plus.cli import app
from spacy_ner_plus.models.architectures.transformer_vectors import build_transformer_v1
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.pipeline.annotating import Annotator
from spacy_ner_plus.pipeline.base import TrainableEntityPipe
from spacy_ner_plus.pipeline.capabilities import (
    GivesReadings,
    GivesSecondReadings,
    HasCalibration,
    HasTaggerShim,
    HasThresholds,
)
from tests.pipeline.lookups import BAD_WORD, Lookup, Words
from tests.pipeline.samples import make_examples, make_nlp, probabilities

WORDS: Words = {
    "pain": ("Disease", 0.9),
    "fever": ("Disease", 0.4),
    "aspirin": ("Chemical", 0.7),
    "cough": ("Disease", None),
}
TEXT = "fever pain aspirin cough"
TOYS = ["test_lookup", "test_learned_lookup", "test_calibrated_lookup"]
PACKAGE = Path(spacy_ner_plus.__file__).parent


def lookup_nlp(words: Words = WORDS, **settings: Any) -> Language:
    nlp = spacy.blank("en")
    add_lookup(nlp, words, **settings)
    return nlp


def add_lookup(nlp: Language, words: Words = WORDS, **settings: Any) -> Lookup:
    lookup: Lookup = nlp.add_pipe("test_lookup", name="lookup", config=settings)  # type: ignore
    lookup.words = words
    return lookup


def toy_nlp(factory: str, **settings: Any) -> Language:
    """A pipeline with one toy that knows something."""
    nlp = spacy.blank("en")
    toy: Any = nlp.add_pipe(factory, name="toy", config=settings)
    if factory == "test_learned_lookup":
        toy.initialize(lambda: make_examples(nlp))
    else:
        toy.words = {
            ent.text: (ent.label_, 0.5 + 0.4 * (len(ent.text) % 2))
            for example in make_examples(nlp)
            for ent in example.reference.ents
        }
    return nlp


@pytest.fixture(params=TOYS)
def toy(request: pytest.FixtureRequest) -> Language:
    return toy_nlp(request.param)


# Entities on the Doc


def found(doc: Doc) -> list[tuple[str, str, float | None]]:
    return [(ent.text, ent.label_, ent._.probability) for ent in doc.ents]


def test_entities_have_probabilities_on_the_doc_and_in_the_spans() -> None:
    doc = lookup_nlp()("no fever , some pain")
    assert found(doc) == [("fever", "Disease", 0.4), ("pain", "Disease", 0.9)]
    group = doc.spans["lookup"]
    assert list(group) == list(doc.ents)
    assert group.attrs["scores"].tolist() == [0.4, 0.9]
    assert doc.has_annotation("ENT_IOB", require_complete=True)


def test_entity_of_unknown_probability_has_none_and_the_spans_have_no_scores() -> None:
    doc = lookup_nlp(threshold=0.8)(TEXT)
    assert found(doc) == [("pain", "Disease", 0.9), ("cough", "Disease", None)]
    assert len(doc.spans["lookup"]) == 2 and "scores" not in doc.spans["lookup"].attrs


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (None, ["fever", "pain", "aspirin", "cough"]),
        (0.7, ["pain", "aspirin", "cough"]),
        ({"Disease": 0.5}, ["pain", "aspirin", "cough"]),
        ({"Chemical": 1.0, "Disease": 0.0}, ["fever", "pain", "cough"]),
    ],
)
def test_threshold(threshold: Any, expected: list[str]) -> None:
    nlp = lookup_nlp(threshold=threshold)
    assert [ent.text for ent in nlp(TEXT).ents] == expected


def test_thresholds_are_checked_and_told() -> None:
    with pytest.raises(ValueError, match="must be a probability"):
        lookup_nlp(threshold=1.5)
    lookup: Any = lookup_nlp(threshold={"Disease": 0.5, "Chemical": 0.0}).get_pipe("lookup")
    assert lookup.least_probabilities() == {"Disease": 0.5}
    lookup.threshold = {"Place": 0.5}
    with pytest.raises(ValueError, match=r"threshold names the types \['Place'\]"):
        lookup.least_probabilities()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.5, True, "half", [0.5]])
@pytest.mark.parametrize("of_label", [False, True])
def test_threshold_that_is_no_probability_is_refused_whenever_it_was_set(
    value: Any, of_label: bool
) -> None:
    threshold = {"Disease": value} if of_label else value
    message = r"threshold = .* must be a probability, from 0 to 1"
    with pytest.raises(ValueError, match=message):
        Lookup(Vocab(), "lookup", threshold=threshold)
    nlp = lookup_nlp()
    nlp.get_pipe("lookup").threshold = threshold  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=message):
        nlp(TEXT)


@pytest.mark.parametrize("value", [1.5, -0.1, float("inf"), float("-inf")])
def test_finding_with_an_impossible_probability_is_an_error(value: float) -> None:
    nlp = lookup_nlp({**WORDS, "flu": ("Disease", value)})
    assert len(nlp(TEXT).ents) == 4
    with pytest.raises(ValueError, match=rf"Entity 1 was found with the probability {value}"):
        nlp("pain flu")


def test_entities_of_unknown_probability_are_not_calibrated_on() -> None:
    nlp = toy_nlp("test_calibrated_lookup")
    toy: Any = nlp.get_pipe("toy")
    toy.words = {"right": ("A", 0.9), "wrong": ("A", None)}
    doc = Doc(nlp.vocab, words=["right", "wrong"] * 60)
    doc.set_ents([Span(doc, i, i + 1, "A") for i in range(0, 120, 2)])
    for method in (toy.calibrate, toy.agreement):
        with pytest.raises(ValueError, match=r"60 of the 120 entities .* have no probability"):
            method([Example(nlp.make_doc(doc.text), doc)])
    assert toy.calibration == Calibration()


@pytest.mark.parametrize(
    ("existing_ents", "expected"),
    [("keep", [("aspirin", "Brand", None)]), ("overwrite", [("aspirin", "Chemical", 0.7)])],
)
def test_entities_that_are_there(existing_ents: str, expected: list[Any]) -> None:
    nlp = lookup_nlp(existing_ents=existing_ents)
    doc = nlp.make_doc("aspirin for pain")
    doc.set_ents([Span(doc, 0, 1, "Brand")])
    assert found(nlp(doc)) == [*expected, ("pain", "Disease", 0.9)]


def test_component_that_cannot_constrain_says_so() -> None:
    message = r"existing_ents = 'constrain' is unknown: use one of \('keep', 'overwrite'\)"
    with pytest.raises(ValueError, match=message):
        lookup_nlp(existing_ents="constrain")


def test_existing_ents_that_a_component_cannot_do_is_refused_whenever_it_was_set() -> None:
    """It would be taken for "keep"."""
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.existing_ents = "constrain"
    doc = Doc(lookup.vocab, words=["pain"])
    for use in (lookup, lambda doc: lookup.set_annotations([doc], lookup.predict([doc]))):
        with pytest.raises(ValueError, match="existing_ents = 'constrain' is unknown"):
            use(doc)
    assert not doc.ents


# Streams


WRONG_SETTINGS = {
    "threshold": [{"Place": 0.5}, {"Disease": 2.0}, "high"],
    "existing_ents": ["constrain", "none"],
}


@pytest.mark.parametrize(
    ("setting", "value"),
    [(name, value) for name in WRONG_SETTINGS for value in WRONG_SETTINGS[name]],
)
def test_wrong_setting_is_no_documents_fault(setting: str, value: Any) -> None:
    """Nor is one that becomes wrong on the way."""
    nlp = lookup_nlp()
    failed: list[Any] = []
    nlp.set_error_handler(lambda *arguments: failed.append(arguments))
    lookup: Any = nlp.get_pipe("lookup")
    setattr(lookup, setting, value)
    taken: list[str] = []
    texts = (taken.append(text) or nlp.make_doc(text) for text in ["pain", BAD_WORD, "fever"])  # type: ignore[func-returns-value]
    with pytest.raises(ValueError, match=setting):
        list(lookup.pipe(texts))
    assert (failed, taken) == ([], [])
    setattr(lookup, setting, {"threshold": None, "existing_ents": "keep"}[setting])
    stream = lookup.pipe(texts, batch_size=1)
    assert next(stream).text == "pain"
    setattr(lookup, setting, value)
    with pytest.raises(ValueError, match=setting):
        next(stream)
    assert failed == []


def test_one_annotator_writes_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.set_error_handler(lambda *arguments: None)
    made: list[Annotator] = []
    used: list[Annotator] = []
    annotator, write = Lookup.annotator, Annotator.write

    def make(self: Lookup) -> Annotator:
        made.append(annotator(self))
        return made[-1]

    def note(self: Annotator, doc: Doc, entities: Entities) -> None:
        used.append(self)
        write(self, doc, entities)

    monkeypatch.setattr(Lookup, "annotator", make)
    monkeypatch.setattr(Annotator, "write", note)
    texts = ["pain", "fever", BAD_WORD, "pain", "fever", "pain", "aspirin"]
    docs = [Doc(lookup.vocab, words=[text]) for text in texts]
    assert len(list(lookup.pipe(docs, batch_size=4))) == 6
    first, second = dict.fromkeys(used)
    assert used == [first] * 3 + [second] * 3
    assert len(made) == 3  # and one to check the settings


def test_only_documents_that_fail_by_themselves_reach_the_error_handler() -> None:
    nlp = lookup_nlp()
    failed = []
    nlp.set_error_handler(lambda name, proc, docs, error: failed.append((name, docs, error)))
    texts = ["pain", f"pain {BAD_WORD}", "fever", f"{BAD_WORD}", "aspirin"]
    docs = list(nlp.pipe(texts, batch_size=3))
    assert [doc.text for doc in docs] == ["pain", "fever", "aspirin"]
    assert all(len(doc.ents) == 1 for doc in docs)
    assert [(name, [doc.text for doc in its]) for name, its, _ in failed] == [
        ("lookup", [texts[1]]),
        ("lookup", [texts[3]]),
    ]
    assert all(isinstance(error, RuntimeError) for *_, error in failed)


def test_error_is_raised_where_nobody_handles_it() -> None:
    nlp = lookup_nlp()
    with pytest.raises(RuntimeError, match="a bad word"):
        nlp(BAD_WORD)
    with pytest.raises(RuntimeError, match="a bad word"):
        list(nlp.pipe(["pain", BAD_WORD]))


def test_two_processes(toy: Language) -> None:
    """By fork, where there is that. Those that are spawned get a pickled pipeline: see there."""
    texts = [example.text for example in make_examples(toy, 8)]
    docs = list(toy.pipe(texts, n_process=2, batch_size=2))
    expected = list(toy.pipe(texts))
    assert sum(len(doc.ents) for doc in docs) > 8
    assert [found(doc) for doc in docs] == [found(doc) for doc in expected]
    scores = [doc.spans["toy"].attrs["scores"].tolist() for doc in docs]
    assert scores == [probabilities(doc) for doc in expected]


# The commands


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_well(*arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output + result.stderr
    return result


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "test.spacy"
    references = [example.reference for example in make_examples(spacy.blank("en"), 30)]
    DocBin(docs=references).to_disk(path)
    return path


@pytest.fixture
def model(toy: Language, tmp_path: Path) -> Path:
    toy.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.slow
def test_evaluate(model: Path, data: Path, tmp_path: Path) -> None:
    run_well("evaluate", model, data, "--output", tmp_path / "out", "--samples", 20)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf8"))
    assert metrics["components"] == ["toy"]
    assert metrics["exact"]["micro"]["tp"] > 20
    confidence = metrics["confidence"]
    assert confidence["without_probability"] == 0
    assert confidence["reliability"]["after"]["n"] == metrics["counts"]["predicted"]


def test_evaluate_knows_the_thresholds(data: Path, tmp_path: Path) -> None:
    toy_nlp("test_lookup", threshold={"Disease": 0.45}).to_disk(tmp_path / "model")
    run_well("evaluate", tmp_path / "model", data, "--output", tmp_path / "out", "--samples", 20)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf8"))
    chosen = metrics["confidence"]["thresholds"]["types"]
    assert chosen["Disease"]["f1"]["threshold"] == 0.45 > chosen["Chemical"]["f1"]["threshold"]


def entities_of(docs: Iterable[Doc]) -> set[tuple[int, int, int, str]]:
    return {(i, ent.start, ent.end, ent.label_) for i, doc in enumerate(docs) for ent in doc.ents}


@pytest.mark.slow
def test_compare(model: Path, toy: Language, data: Path, tmp_path: Path) -> None:
    """With one that knows half of the words, calls them all diseases, and another word too."""
    examples = make_examples(toy, 30)
    words = sorted({ent.text for example in examples for ent in example.reference.ents})[::2]
    other = lookup_nlp(dict.fromkeys([*words, "of"], ("Disease", 0.9)))
    other.to_disk(tmp_path / "other")
    gold = entities_of(example.reference for example in examples)
    a, b = (
        entities_of(nlp(example.predicted) for example in make_examples(nlp, 30))
        for nlp in (toy, other)
    )
    out = tmp_path / "out"
    run_well("compare", model, tmp_path / "other", data, "--samples", 20, "--output", out)
    micro = json.loads((out / "comparison.json").read_text(encoding="utf8"))["exact"]["micro"]
    for system, found in (("a", a), ("b", b)):
        counts = {"tp": len(found & gold), "fp": len(found - gold), "fn": len(gold - found)}
        assert {name: micro[system][name] for name in counts} == counts
    differences = {
        "found_by_a_only": len((a - b) & gold),
        "found_by_b_only": len((b - a) & gold),
        "wrong_in_a_only": len(a - b - gold),
        "wrong_in_b_only": len(b - a - gold),
    }
    assert differences["found_by_a_only"] and differences["wrong_in_b_only"]
    lines = (out / "differences.jsonl").read_text(encoding="utf8").splitlines()
    kinds = Counter(json.loads(line)["meta"]["kind"] for line in lines)
    assert kinds == Counter(**differences)


def test_predict(model: Path, toy: Language, data: Path, tmp_path: Path) -> None:
    run_well("predict", model, data, tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf8").splitlines()
    rows = [json.loads(line) for line in lines]
    docs = [toy(example.predicted) for example in make_examples(toy, 30)]
    assert [[entity["probability"] for entity in row["spans"]] for row in rows] == [
        probabilities(doc) for doc in docs
    ]
    refused = run("predict", model, data, tmp_path / "b.jsonl", "--k-best", 2, "--component", "toy")
    assert refused.exit_code == 1
    assert "no component 'toy' that gives readings" in refused.stderr


def test_calibrate_takes_what_can_be_calibrated(tmp_path: Path) -> None:
    """Of words that are right every second time, and said to be right nine times of ten."""
    nlp = toy_nlp("test_calibrated_lookup")
    toy: Any = nlp.get_pipe("toy")
    toy.words = {"right": ("A", 0.9), "wrong": ("A", 0.9)}
    doc = Doc(nlp.vocab, words=["right", "wrong"] * 60)
    doc.set_ents([Span(doc, i, i + 1, "A") for i in range(0, 120, 2)])
    DocBin(docs=[doc]).to_disk(tmp_path / "dev.spacy")
    nlp.to_disk(tmp_path / "model")
    command = ["calibrate", tmp_path / "model", tmp_path / "dev.spacy", "--component", "toy"]
    run_well(*command, "--output", tmp_path / "calibrated")
    calibrated = spacy.load(tmp_path / "calibrated")
    assert calibrated.get_pipe("toy").calibration != Calibration()  # type: ignore[attr-defined]
    assert probabilities(calibrated("right")) == [pytest.approx(0.5, abs=0.01)]
    data, out = tmp_path / "dev.spacy", tmp_path / "out"
    run_well("evaluate", tmp_path / "calibrated", data, "--output", out, "--samples", 20)
    reliability = json.loads((out / "metrics.json").read_text())["confidence"]["reliability"]
    assert reliability["before"]["mean_probability"] == pytest.approx(0.9)
    assert reliability["after"]["mean_probability"] == pytest.approx(0.5, abs=0.01)


def test_calibrate_and_export_say_what_a_component_lacks(data: Path, tmp_path: Path) -> None:
    lookup_nlp().to_disk(tmp_path / "model")
    name = ["--component", "lookup"]
    refused = run("calibrate", tmp_path / "model", data, "--output", tmp_path / "out", *name)
    assert "no component 'lookup' that can be calibrated. It has: lookup" in refused.stderr
    refused = run("export", tmp_path / "model", tmp_path / "out", *name)
    assert "no component 'lookup' that can be exported" in refused.stderr
    assert not (tmp_path / "out").exists()


# Capabilities


def test_capabilities_are_those_that_a_component_has() -> None:
    every = (HasThresholds, HasCalibration, GivesReadings, GivesSecondReadings, HasTaggerShim)
    ner = make_nlp(Path("nobody/nowhere")).get_pipe("ner_plus")
    assert all(isinstance(ner, capability) for capability in every)
    for factory, expected in zip(TOYS, (every[:1], every[:1], every[:2]), strict=True):
        pipe = toy_nlp(factory).get_pipe("toy")
        assert tuple(c for c in every if isinstance(pipe, c)) == expected
    nlp = spacy.blank("en")
    for factory in ("ner", "spancat", "entity_ruler", "sentencizer", "merge_entities"):
        assert not isinstance(nlp.add_pipe(factory), every)


@pytest.mark.slow
def test_capabilities_have_what_somebody_uses_and_no_more() -> None:
    """A component that lacks what nobody asks for would be refused for nothing."""
    capabilities = PACKAGE / "pipeline" / "capabilities.py"
    members: dict[str, set[str]] = {
        node.name: {
            item.target.id if isinstance(item, ast.AnnAssign) else item.name
            for item in node.body
            if isinstance(item, ast.AnnAssign | ast.FunctionDef)
        }
        for node in parsed(capabilities).body
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.dump(b) for b in node.bases)
    }
    assert set(members) == {
        "HasThresholds", "HasCalibration", "HasLabelledShim", "HasRules", "HasTaggerShim",
        "HasValidators", "GivesReadings", "GivesReasons", "GivesSecondReadings",
        "WritesNestedEntities", "LearnsNestedEntities", "DecidesCrossings",
    }  # fmt: skip
    for name, its in members.items():
        users = [
            parsed(path)
            for path in PACKAGE.rglob("*.py")
            if path != capabilities and name in names_in(parsed(path))
        ]
        # functions beside the protocols are users, too
        users += [n for n in parsed(capabilities).body if isinstance(n, ast.FunctionDef)]
        used = {n.attr for user in users for n in ast.walk(user) if isinstance(n, ast.Attribute)}
        assert its - used == set(), name


def classes_of_rooms() -> dict[str, set[str]]:
    """The classes that each factory's room defines, by its folder."""
    rooms = [path.parent for path in (PACKAGE / "pipeline").rglob("factory.py")]
    return {
        room.relative_to(PACKAGE).as_posix(): {
            node.name
            for path in room.rglob("*.py")
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.ClassDef)
        }
        for room in rooms
    }


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf8"))


def names_in(module: ast.AST) -> set[str]:
    """All that a module imports, or takes from something."""
    return {
        name
        for node in ast.walk(module)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom)
            else [node.attr]
            if isinstance(node, ast.Attribute)
            else []
        )
    }


def test_nobody_asks_whether_a_component_is_of_one_class() -> None:
    """But in its own folder; the public face hands them on, and NerFeatures is made of NerPlus."""
    rooms = classes_of_rooms()
    assert {"NerPlus", "LearningPipe"} <= rooms["pipeline/ner_plus"]
    users = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for room, classes in rooms.items()
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(PACKAGE / room)
        for name in names_in(parsed(path)) & classes
    }
    assert users == {
        ("__init__.py", "NerPlus"),
        ("__init__.py", "NerPlusRules"),
        ("pipeline/features/component.py", "NerPlus"),
    }


# Saving


def through_disk(nlp: Language, folder: Path) -> Language:
    nlp.to_disk(folder)
    return spacy.load(folder)


def through_bytes(nlp: Language, folder: Path) -> Language:
    return spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())


def through_pickle(nlp: Language, folder: Path) -> Language:
    loaded: Language = pickle.loads(pickle.dumps(nlp))
    return loaded


def through_deepcopy(nlp: Language, folder: Path) -> Language:
    return copy.deepcopy(nlp)


@pytest.mark.parametrize("route", [through_disk, through_bytes, through_pickle, through_deepcopy])
def test_round_trip(
    toy: Language, route: Callable[[Language, Path], Language], tmp_path: Path
) -> None:
    texts = [example.text for example in make_examples(toy)]
    again = route(toy, tmp_path)
    assert again.get_pipe("toy").labels == ("Chemical", "Disease")
    assert [found(doc) for doc in again.pipe(texts)] == [found(doc) for doc in toy.pipe(texts)]
    assert "Disease" in again.vocab.strings


def test_folder_has_a_manifest_of_its_files(toy: Language, tmp_path: Path) -> None:
    toy.to_disk(tmp_path)
    folder = tmp_path / "toy"
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert files == {"cfg", "manifest.json", "model/words.json"}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf8"))
    assert set(manifest["files"]) == {"cfg", "model/words.json"}


@pytest.mark.parametrize("damage", ["changed", "cut", "missing", "added"])
def test_damaged_file_is_named_and_nothing_is_loaded(
    toy: Language, damage: str, tmp_path: Path
) -> None:
    toy.to_disk(tmp_path)
    pipe: Any = toy.get_pipe("toy")
    path = tmp_path / "toy" / "model" / "words.json"
    content = path.read_bytes()
    if damage == "changed":
        path.write_bytes(content.replace(b"Disease", b"Diseasf"))
        message = r"saved pipeline is damaged: .*toy/model/words\.json has the SHA-256"
    elif damage == "cut":
        path.write_bytes(content[:-1])
        message = r"toy/model/words\.json has \d+ bytes"
    elif damage == "missing":
        path.unlink()
        message = r"words\.json is missing"
    else:
        manifest = tmp_path / "toy" / "manifest.json"
        recorded = json.loads(manifest.read_text())
        recorded["files"]["../other"] = recorded["files"]["cfg"]
        manifest.write_text(json.dumps(recorded))
        message = "'../other', which is no file of this component"
    with pytest.raises(ValueError, match=message):
        spacy.load(tmp_path)
    before = pipe.to_bytes(exclude=["vocab"])
    with pytest.raises(ValueError, match=message):
        pipe.from_disk(tmp_path / "toy", exclude=["vocab"])
    assert pipe.to_bytes(exclude=["vocab"]) == before


def test_file_may_be_saved_from_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = lookup_nlp()
    source = tmp_path / "large.json"
    source.write_bytes(json.dumps(WORDS).encode("utf8"))
    monkeypatch.setattr(Lookup, "to_files", lambda self: {"words.json": source})
    nlp.to_disk(tmp_path / "saved")
    saved = tmp_path / "saved" / "lookup" / "model" / "words.json"
    assert saved.read_bytes() == source.read_bytes()
    assert found(spacy.load(tmp_path / "saved")(TEXT)) == found(nlp(TEXT))
    assert found(through_bytes(nlp, tmp_path)(TEXT)) == found(nlp(TEXT))
    monkeypatch.setattr(Lookup, "to_files", lambda self: {"words.json": saved})
    nlp.to_disk(tmp_path / "saved")  # over the file itself
    assert saved.read_bytes() == source.read_bytes()


def test_calibration_is_saved_and_loaded(tmp_path: Path) -> None:
    toy: Any = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    assert toy.calibration == Calibration()
    toy.calibration = Calibration(2.0, 0.5, -0.25)
    toy.to_disk(tmp_path)
    other: Any = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    assert other.from_disk(tmp_path).calibration == Calibration(2.0, 0.5, -0.25)
    other = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    assert other.from_bytes(toy.to_bytes()).calibration == Calibration(2.0, 0.5, -0.25)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": float("nan")},
        {"temperature": 0.0},
        {"slope": "steep"},
        {"intercept": float("inf")},
        {"heat": 1.0},
        [1.0, 1.0, 0.0],
        None,
    ],
)
def test_wrong_calibration_is_not_loaded(wrong: Any, tmp_path: Path) -> None:
    toy: Any = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    toy.cfg["calibration"] = wrong
    toy.to_disk(tmp_path)
    other: Any = toy_nlp("test_calibrated_lookup").get_pipe("toy")
    other.calibration = Calibration(2.0)
    with pytest.raises(ValueError, match=r"damaged: .*cfg has a wrong calibration: "):
        other.from_disk(tmp_path)
    with pytest.raises(ValueError, match=r"damaged: cfg has a wrong calibration: "):
        other.from_bytes(toy.to_bytes())
    assert other.calibration == Calibration(2.0)


def test_saved_cfg_takes_the_place_of_the_present_one(tmp_path: Path) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.cfg = {"saved": 1}
    lookup.to_disk(tmp_path)
    for load in (
        lambda other: other.from_disk(tmp_path),
        lambda other: other.from_bytes(lookup.to_bytes()),
    ):
        other: Any = lookup_nlp().get_pipe("lookup")
        other.cfg = {"saved": 0, "set before": True}
        load(other)
        assert other.cfg == {"saved": 1}
    other.cfg = {"set before": True}
    other.from_disk(tmp_path, exclude=["cfg"])
    assert other.cfg == {"set before": True}


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def no_words(lookup: Lookup) -> dict[str, Any]:
    raise RuntimeError("no words")


def half_written(lookup: Lookup) -> dict[str, Any]:
    return {"words.json": Path("nobody/nowhere")}


@pytest.mark.parametrize("to_files", [no_words, half_written])
def test_save_that_fails_leaves_the_one_before_whole(
    to_files: Callable[[Lookup], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.to_disk(tmp_path)
    (tmp_path / "notes.txt").write_text("of somebody else")
    before = tree(tmp_path)
    lookup.cfg = {"new": True}
    lookup.vocab.strings.add("a new string")
    with monkeypatch.context() as patch:
        patch.setattr(Lookup, "to_files", to_files)
        with pytest.raises((RuntimeError, OSError), match=r"no words|nowhere"):
            lookup.to_disk(tmp_path)
    assert tree(tmp_path) == before
    lookup.cfg = {"no JSON": object()}
    with pytest.raises(TypeError, match="not JSON serializable"):
        lookup.to_disk(tmp_path)
    assert tree(tmp_path) == before
    lookup.cfg = {"new": True}
    (tmp_path / ".unfinished" / "model").mkdir(parents=True)
    (tmp_path / ".unfinished" / "model" / "left").write_text("by a save that was killed")
    lookup.to_disk(tmp_path)
    assert tree(tmp_path).keys() == before.keys()
    other: Any = lookup_nlp({}).get_pipe("lookup").from_disk(tmp_path)  # type: ignore
    assert other.cfg == {"new": True} and other.words == WORDS


@pytest.mark.parametrize("declared", [("words.json",), ()])
def test_file_that_is_not_declared_is_not_left_out_of_a_save(
    declared: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    monkeypatch.setattr(Lookup, "file_names", declared)
    monkeypatch.setattr(
        Lookup, "to_files", lambda self: {**dict.fromkeys(declared, b"{}"), "more": b""}
    )
    message = r"to_files gave \['more'\], but the component's file_names are"
    for save in (lambda: lookup.to_disk(tmp_path), lookup.to_bytes):
        with pytest.raises(ValueError, match=message):
            save()
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("declared", [("words.json",), ()])
def test_component_without_files_of_its_own_is_its_cfg(
    declared: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lookup, "file_names", declared)
    for name in ("to_files", "read_files"):
        monkeypatch.delattr(Lookup, name)
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.cfg = {"mood": "good"}
    no_vocab = {"exclude": ["vocab"]}
    lookup.to_disk(tmp_path, **no_vocab)
    assert tree(tmp_path).keys() == {"cfg", "manifest.json"}
    for load in (
        lambda other: other.from_disk(tmp_path, **no_vocab),
        lambda other: other.from_bytes(lookup.to_bytes()),
    ):
        other: Any = lookup_nlp({}).get_pipe("lookup")
        load(other)
        assert other.cfg == {"mood": "good"} and other.words == {}


def test_files_that_nothing_reads_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.to_disk(tmp_path)
    monkeypatch.delattr(Lookup, "read_files")
    message = r"Lookup has the files \['words\.json'\] and nothing .*define its read_files"
    for load in (lambda: lookup.from_disk(tmp_path), lambda: lookup.from_bytes(lookup.to_bytes())):
        with pytest.raises(ValueError, match=message):
            load()


def test_files_in_the_folder_that_are_not_declared_are_told(
    toy: Language, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toy.to_disk(tmp_path)
    with caplog.at_level("WARNING", logger="spacy_ner_plus"):
        spacy.load(tmp_path)
    assert not caplog.records
    for name in (".DS_Store", "words.csv", "model/words.old", "model/.hidden"):
        (tmp_path / "toy" / name).write_bytes(b"")
    with caplog.at_level("WARNING", logger="spacy_ner_plus"):
        spacy.load(tmp_path)
    [record] = caplog.records
    assert "were not read: model/words.old, words.csv. Remove" in record.message
    assert str(tmp_path / "toy") in record.message


def test_bytes_with_a_file_that_is_not_declared_are_refused(toy: Language) -> None:
    pipe: Any = toy.get_pipe("toy")
    parts = srsly.msgpack_loads(pipe.to_bytes())
    parts["model"]["more.json"] = b"{}"
    with pytest.raises(ValueError, match=r"model/more\.json was not there when manifest\.json"):
        pipe.from_bytes(srsly.msgpack_dumps(parts))


def test_cfg_has_no_key_of_the_save_itself(tmp_path: Path) -> None:
    """It would be taken for the format's number: the save could never be loaded, or as another."""
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.cfg = {"format": "short"}
    for save in (lambda: lookup.to_disk(tmp_path), lookup.to_bytes):
        with pytest.raises(ValueError, match=r"cfg has the key 'format' \('short'\)"):
            save()
    assert tree(tmp_path) == {}
    lookup.to_disk(tmp_path, exclude=["cfg"])


def test_part_that_is_saved_anew_alone_fits_the_others(tmp_path: Path) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.to_disk(tmp_path)
    lookup.cfg, lookup.words = {"new": True}, {}
    lookup.to_disk(tmp_path, exclude=["model"])
    other: Any = lookup_nlp({}).get_pipe("lookup").from_disk(tmp_path)  # type: ignore
    assert other.cfg == {"new": True} and other.words == WORDS


def test_parts_can_be_left_out(tmp_path: Path) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.to_disk(tmp_path, exclude=["vocab", "model"])
    assert {path.name for path in tmp_path.iterdir()} == {"cfg", "manifest.json"}
    other: Any = lookup_nlp({"flu": ("Disease", 0.5)}).get_pipe("lookup")
    other.from_disk(tmp_path, exclude=["vocab", "model"])
    other.from_bytes(lookup.to_bytes(), exclude=["model"])
    assert set(other.words) == {"flu"}
    other.from_bytes(lookup.to_bytes(exclude=["cfg"]))
    assert other.words == WORDS


@pytest.mark.parametrize("has_weights", [True, False])
def test_model_with_a_torch_shim_is_saved_without_a_word(
    tiny_encoder_dir: Path, tmp_path: Path, has_weights: bool
) -> None:
    """Also one that knows nothing of tags."""

    def make(seed: int) -> TrainableEntityPipe:
        fix_random_seed(seed)
        model = build_transformer_v1(str(tiny_encoder_dir), 32, device="cpu", window=128)
        return TrainableEntityPipe(Vocab(), model, "encoder")

    pipe = make(0)
    if has_weights:
        pipe.model.initialize()
    pipe.to_disk(tmp_path, exclude=["vocab"])
    other = make(1)
    other.model.initialize()
    for again in (
        other.from_disk(tmp_path, exclude=["vocab"]),
        make(2).from_bytes(pipe.to_bytes()),
    ):
        assert again.model.shims[0].to_bytes() == pipe.model.shims[0].to_bytes()
        assert again.model.shims[0].is_built == has_weights


# spaCy's own ways


def test_component_that_is_not_trained_is_in_nobodys_way(tmp_path: Path) -> None:
    nlp = lookup_nlp()
    learned: Any = nlp.add_pipe("test_learned_lookup", name="learned")
    nlp.add_pipe("sentencizer")
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    lookup: Any = nlp.get_pipe("lookup")
    assert not lookup.is_trainable and learned.is_trainable
    assert lookup.words == WORDS
    assert nlp.update(examples, sgd=optimizer) == {"learned": 1.0}
    nlp.resume_training()
    assert nlp.rehearse(examples) == {}
    with nlp.use_params({}):
        assert nlp.evaluate(make_examples(nlp))["ents_f"] > 0.4
    assert nlp.analyze_pipes()["summary"]["lookup"]["assigns"] == []
    assert nlp.pipe_labels["learned"] == ["Chemical", "Disease"]
    assert learned.label_data == ["Chemical", "Disease"]
    with nlp.select_pipes(enable="lookup"), nlp.memory_zone():
        assert len(nlp("pain").ents) == 1


@pytest.mark.slow
def test_toys_are_trained_and_their_data_debugged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("test_lookup", name="lookup")
    nlp.add_pipe("test_learned_lookup", name="learned")
    examples = make_examples(nlp, 130)
    corpora = {}
    for name, its in (("train", examples[:100]), ("dev", examples[100:])):
        path = tmp_path / f"{name}.spacy"
        DocBin(docs=[example.reference for example in its]).to_disk(path)
        corpora[name] = {"@readers": "spacy.Corpus.v1", "path": str(path)}
    settings = {"max_steps": 2, "eval_frequency": 1, "seed": 0}
    nlp.config = nlp.config.merge({"corpora": corpora, "training": settings})
    nlp.config.to_disk(tmp_path / "config.cfg")
    debug_data(tmp_path / "config.cfg", silent=False)
    assert "Training pipeline: lookup, learned" in capsys.readouterr().out
    made = init_nlp(load_config(tmp_path / "config.cfg"))
    train(made, tmp_path)
    best = spacy.load(tmp_path / "model-best")
    scores = best.evaluate([Example(eg.predicted, eg.reference) for eg in make_examples(best)])
    assert scores["ents_f"] > 0.4


def test_what_a_batch_that_fails_has_counted_is_not_counted_twice() -> None:
    nlp = spacy.blank("en")
    lookup = add_lookup(nlp)
    lookup.set_error_handler(lambda *_: None)
    predict = lookup.predict

    def counting(docs: Iterable[Doc]) -> list[Entities]:
        docs = list(docs)
        lookup.refused["seen"] += len(docs)
        return predict(docs)

    lookup.predict = counting  # type: ignore[method-assign]
    texts = ["pain", f"pain {BAD_WORD}", "fever"]
    assert len(list(lookup.pipe(nlp.make_doc(text) for text in texts))) == 2
    assert lookup.refused == {"seen": 3}
