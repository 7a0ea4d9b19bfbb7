"""How benchmarks/nested.py and germeval.py divide data, choose settings, and score."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))  # where scripts find the others

from nested_data import (
    KEY,
    PARTS,
    Division,
    GoldSentence,
    fold_divisions,
    read_gold,
    summed_by,
    write_folds,
)
from nested_plan import Job, Kind, Wanted, least_and_most
from nested_scores import ALL, INNER, LEVELS, OUTER, differences, level_counts, level_scores
from nested_stages import take_over
from nested_systems import (
    FLAT,
    SPANS,
    SYSTEMS,
    TRANSFORMER,
    Setting,
    Steps,
    make_config,
    planned_steps,
)

from spacy_ner_plus.annotation.scored_group import LAYERS

OUTER_SPAN, INNER_SPAN = (0, 3, "ORG"), (2, 3, "LOC")


def sentence(*layers: int) -> GoldSentence:
    return GoldSentence("d", (OUTER_SPAN, INNER_SPAN), layers or None)


def scores(gold: list[GoldSentence], *found: tuple[int, int, str]) -> dict[str, list[float]]:
    """Precision, recall and F1 by level, of one sentence."""
    counts = level_counts(gold, [[(*span, 0.5) for span in found]]).sum(axis=0)
    return dict(zip(LEVELS, level_scores(counts).tolist(), strict=True))


# Scores


@pytest.mark.parametrize("gold", [sentence(), sentence(1, 2)])
def test_entities_on_their_levels_are_right(gold: GoldSentence) -> None:
    assert scores([gold], OUTER_SPAN, INNER_SPAN) == dict.fromkeys(LEVELS, [100.0] * 3)
    of_flat = scores([gold], OUTER_SPAN)
    assert of_flat[ALL] == pytest.approx([100, 50, 200 / 3])
    assert of_flat[OUTER] == [100, 100, 100]
    assert of_flat[INNER] == [0, 0, 0]


def test_an_entity_on_the_wrong_level_is_wrong_where_there_are_layers() -> None:
    assert scores([sentence()], INNER_SPAN)[ALL] == pytest.approx([100, 50, 200 / 3])
    official = scores([sentence(1, 2)], INNER_SPAN)
    assert official == {ALL: [0, 0, 0], OUTER: [0, 0, 0], INNER: [0, 0, 0]}


def test_layers_are_those_of_the_data_and_not_depths() -> None:
    """As in GermEval's test data, where two inner entities cross outer ones."""
    crossing = GoldSentence("d", ((0, 2, "ORG"), (1, 3, "LOC")), (1, 2))
    assert scores([crossing], (0, 2, "ORG"), (1, 3, "LOC"))[OUTER][:2] == [50, 100]


def test_official_scores_are_of_both_levels_together() -> None:
    """The numbers of the sample on the page of GermEval's scorer."""
    outer = [(i, i + 1, "PER") for i in range(0, 24, 2)]  # 12 in gold, of which 6 are found
    gold = GoldSentence("d", (*outer, (30, 31, "LOC")), (*12 * [1], 2))
    wrong = [(i, i + 4, "OTH") for i in range(40, 56, 4)]
    inside = [(start, start + 1, "OTH") for start, _, _ in wrong]
    inside.append((40 + 2, 40 + 3, "OTH"))
    found = scores([gold], *outer[:6], *wrong, *inside)  # 10 outer and 5 inner ones
    assert found[ALL] == pytest.approx([40.00, 46.15, 42.86], abs=0.005)
    assert found[OUTER] == pytest.approx([60.00, 50.00, 54.55], abs=0.005)
    assert found[INNER] == [0, 0, 0]


def test_sentences_of_a_document_are_one_unit() -> None:
    gold = [GoldSentence(name, (OUTER_SPAN,), None) for name in ("b", "a", "b")]
    counts = level_counts(gold, [[(*OUTER_SPAN, 1.0)], [], []])
    assert counts.sum(axis=1).tolist() == [[1, 0, 0, 0], [2, 1, 1, 1]]
    assert summed_by(np.array([1, 2, 4]), ["b", "a", "b"]).tolist() == [2, 5]


def test_differences_are_paired() -> None:
    gold = [GoldSentence(str(i), (OUTER_SPAN, INNER_SPAN), None) for i in range(30)]
    worse = [[(*OUTER_SPAN, 1.0)] if i % 3 else [] for i in range(30)]
    better = [[*spans, (*INNER_SPAN, 1.0)] if spans else [] for spans in worse]
    a, b = level_counts(gold, worse), level_counts(gold, better)
    same = differences(a, a, samples=50, seed=0)[ALL]
    assert (same.f1, same.low, same.high) == (0, 0, 0)
    ahead = differences(b, a, samples=200, seed=0)
    assert 0 < ahead[ALL].low <= ahead[ALL].f1 <= ahead[ALL].high
    assert ahead[OUTER].f1 == pytest.approx(0)
    f1 = [level_scores(counts.sum(axis=0))[0, 2] for counts in (b, a)]
    assert ahead[ALL].f1 == pytest.approx(f1[0] - f1[1])


# Data


def test_folds_are_of_whole_documents_and_test_each_once(tmp_path: Path) -> None:
    rows = [
        {
            "tokens": ["University", "of", f"Town{i}", f"in{i % 5}"],
            "doc_id": f"document-{i // 4}",
            "entity_mentions": [
                {"start": 0, "end": 3, "entity_type": "ORG"},
                {"start": 2, "end": 3, "entity_type": "LOC"},
            ],
        }
        for i in range(80)
    ]
    source = tmp_path / "rows.jsonlines"
    source.write_text("\n".join(map(json.dumps, rows)))
    write_folds(source, tmp_path, 4, seed=0)
    tested: list[str] = []
    for division in fold_divisions(tmp_path, 4, range(4)):
        gold = {part: read_gold(division.corpus(part)) for part in PARTS}
        documents = {part: {one.document for one in its} for part, its in gold.items()}
        assert sum(map(len, documents.values())) == len(set.union(*documents.values())) == 20
        assert sum(map(len, gold.values())) == 80
        assert {len(documents["test"]), len(documents["dev"])} == {5, 2}
        assert all(one.layers is None for its in gold.values() for one in its)
        tested += documents["test"]
    assert sorted(tested) == sorted(set(tested))
    assert len(tested) == 20


def test_layers_of_a_file_are_those_of_the_gold(tmp_path: Path) -> None:
    docs = []
    for layers in ([1, 2], [1, None], []):
        doc = Doc(Vocab(), words=["a", "b", "c"])
        doc.spans[KEY] = [Span(doc, *span) for span in (OUTER_SPAN, INNER_SPAN)][: len(layers)]
        doc.spans[KEY].attrs[LAYERS] = layers
        docs.append(doc)
    division = Division(tmp_path, "whole")
    division.write(dict.fromkeys(PARTS, docs))
    gold = read_gold(division.corpus("test"))
    assert [one.layers for one in gold] == [(1, 2), None, None]
    assert gold[0].spans == (OUTER_SPAN, INNER_SPAN)
    assert division.words("dev") == 9


# Plan


def wanted(folder: Path, *systems: str, lengthenings: int = 2) -> Wanted:
    divisions = fold_divisions(folder, 5, [0, 3])
    return Wanted(divisions, systems, [50, 100], lengthenings, 0, folder)


def save(job: Job, folder: Path, dev_f1: float) -> None:
    job.run.save(folder, {"dev_f1": dev_f1})


@pytest.mark.parametrize("name", SYSTEMS)
def test_jobs_are_read_from_the_names_of_their_runs(name: str) -> None:
    job = Job("fold-0-of-5", name, Kind.LEARN, 3, Setting(50, 9))
    assert Job.read(job.run.name, job.run.seed) == job


def test_our_systems_are_trained_as_planned(tmp_path: Path) -> None:
    plan = wanted(tmp_path, "flat", "biaffine")
    jobs = plan.next_trainings()
    assert {(job.division, job.system) for job in jobs} == {
        (f"fold-{i}-of-5", name) for i in (0, 3) for name in ("flat", "biaffine")
    }
    assert {job.setting for job in jobs} == {Setting()}
    assert least_and_most(plan, "flat") == (2, 2)
    for job in jobs:
        save(job, tmp_path, 50)
    assert plan.next_trainings() == []
    assert len({job.spans(tmp_path) for job in jobs} | {job.model(tmp_path) for job in jobs}) == 8


@pytest.mark.parametrize(
    ("lengthenings", "longer", "chosen"),
    [
        (2, {3: 61, 9: 60}, Setting(50, 3)),
        (2, {3: 60, 9: 99}, Setting(50)),
        (2, {3: 61, 9: 62}, Setting(50, 9)),
        (1, {3: 61}, Setting(50, 3)),
        (0, {}, Setting(50)),
    ],
)
def test_training_is_made_longer_as_long_as_it_helps(
    lengthenings: int, longer: dict[int, float], chosen: Setting, tmp_path: Path
) -> None:
    plan = wanted(tmp_path, "spancat", lengthenings=lengthenings)
    dev_f1 = {Setting(50): 60.0, Setting(100): 59.0}
    dev_f1 |= {Setting(50, times): f1 for times, f1 in longer.items()}
    run = []
    while jobs := plan.next_trainings():
        for job in jobs:
            save(job, tmp_path, dev_f1[job.setting])
            run.append((job.division, job.setting))
    assert plan.search("spancat").chosen == chosen
    assert [job.setting for job in plan.finals("spancat")] == [chosen, chosen]
    others = [setting for division, setting in run if division == "fold-3-of-5"]
    assert others == [chosen]  # nothing is searched for there
    assert len(run) == len(set(run))
    least, most = least_and_most(plan, "spancat")
    assert least <= sum(setting.longer for _, setting in run) <= most


# Configs


@pytest.mark.parametrize("name", ["flat", "biaffine", "bilstm-flat", "bilstm-biaffine", "spancat"])
def test_all_systems_learn_in_the_same_steps(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 32}')
    steps = Steps(batch_words=500, max_steps=40, eval_frequency=10).times(3)
    config = make_config(
        SYSTEMS[name],
        Division(tmp_path, "all"),
        steps,
        encoder=tmp_path,
        lang="de",
        seed=7,
        rate=50,
    )
    training = config["training"]
    assert (training["max_steps"], training["eval_frequency"]) == (120, 30)
    assert training["batcher"]["size"] == 500
    schedule = training["optimizer"]["learn_rate"]
    assert (schedule["warmup_steps"], schedule["total_steps"]) == (12, 120)
    usual = {"flat": 2e-4, "biaffine": 2e-4}.get(name, 2e-3)
    assert schedule["initial_rate"] == pytest.approx(usual / 2)
    assert config["nlp"]["lang"] == "de"
    assert config["nlp"]["pipeline"][-1] == SYSTEMS[name].component
    assert set(config["components"]) == set(config["nlp"]["pipeline"])
    score = "ents_f" if SYSTEMS[name].form == FLAT else f"spans_{KEY}_f"
    assert training["score_weights"][score] == 1.0


def test_the_settings_of_a_head_are_in_its_config(tmp_path: Path) -> None:
    steps = planned_steps(TRANSFORMER, 30_000, 5_000)
    for name, system in SYSTEMS.items():
        if system.form == SPANS:
            division = Division(tmp_path, "all")
            config = make_config(system, division, steps, encoder=tmp_path, lang="en", seed=0)
            model = config["components"][system.component]["model"]
            assert model.items() >= system.settings.items(), name


def test_results_of_earlier_runs_are_taken_over_but_for_those_of_here(tmp_path: Path) -> None:
    known, output = tmp_path / "known", tmp_path / "output"
    known.mkdir()
    with pytest.raises(SystemExit, match="has no results"):
        take_over(known, output)
    output.mkdir()
    for name in ("a.json", "a.spans", "b.json", "b.log"):
        (known / name).write_text("there")
    (output / "a.json").write_text("here")
    take_over(known, output)
    found = {path.name: path.read_text() for path in output.iterdir()}
    assert found == {"a.json": "here", "a.spans": "there", "b.json": "there"}
