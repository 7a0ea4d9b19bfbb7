"""What benchmarks/models.py plans and computes, as far as it is not about time."""

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.pages.figures import NONE
from spacy_ner_plus.tags import TagScheme

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))  # where scripts find the others

from model_plan import ALL, Job, Kind, Wanted, learned_words, learning_threads, plan_lines
from model_runs import chunks
from model_systems import ABLATIONS, ALL_SYSTEMS, SYSTEMS, TITLES
from model_tables import Curve, find_crossings, spread

WANTED = Wanted(
    partly=["news", "bio.v1"],
    whole=["tweets"],
    systems=["bilstm", "spacy"],
    ablations=["bilstm-no-crf"],
    sizes=["50", "200", ALL],
    seeds=[0, 1, 2],
    threads=[1, 2],
)


def save(job: Job, folder: Path, **figures: float) -> None:
    job.run.path(folder).write_text(json.dumps(figures))


def test_every_system_has_a_title() -> None:
    assert set(TITLES) == set(ALL_SYSTEMS) == {*SYSTEMS, *ABLATIONS}


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
@given(data=st.data())
def test_valid_tags_have_the_chunks_of_their_scheme(name: str, data: st.DataObject) -> None:
    scheme = TagScheme(name, ["A", "B"])
    n = data.draw(st.integers(0, 12))
    bounds = sorted(data.draw(st.sets(st.integers(0, n), max_size=8)))
    spans = [
        (start, end, data.draw(st.sampled_from(["A", "B"])))
        for start, end in pairwise(bounds)
        if data.draw(st.booleans())
    ]
    tags = [scheme.tags[i] for i in scheme.encode(spans, n)]
    assert chunks(tags) == spans


@pytest.mark.parametrize(
    ("tags", "spans"),
    [  # as conlleval reads what is not valid
        ("I-A I-A", [(0, 2, "A")]),
        ("O I-A I-B", [(1, 2, "A"), (2, 3, "B")]),
        ("B-A I-B O", [(0, 1, "A"), (1, 2, "B")]),
        ("B-A O", [(0, 1, "A")]),
        ("U-A I-A", [(0, 1, "A"), (1, 2, "A")]),
        ("B-A L-A L-A", [(0, 2, "A"), (2, 3, "A")]),
        ("O L-A U-A", [(1, 2, "A"), (2, 3, "A")]),
    ],
)
def test_invalid_tags_have_chunks_too(tags: str, spans: list[tuple[int, int, str]]) -> None:
    assert chunks(tags.split()) == spans


def test_trainings_are_each_wanted_once_and_the_small_ones_first() -> None:
    trainings = WANTED.trainings()
    assert len(set(trainings)) == len(trainings)
    sizes = [job.amount for job in trainings]
    assert sizes == sorted(sizes, key=["50", "200", ALL].index)
    counts = {
        (data, system, size): sum(
            (job.data, job.system, job.amount) == (data, system, size) for job in trainings
        )
        for data in WANTED.data
        for system in ("bilstm", "spacy", "bilstm-no-crf")
        for size in ("50", "200", ALL)
    }
    assert counts[("news", "spacy", "50")] == counts[("bio.v1", "bilstm", "50")] == 3
    assert counts[("tweets", "spacy", "50")] == counts[("news", "bilstm-no-crf", "50")] == 0
    assert counts[("news", "spacy", ALL)] == counts[("tweets", "bilstm", ALL)] == 1
    assert counts[("news", "bilstm", ALL)] == 1
    assert counts[("news", "bilstm-no-crf", ALL)] == 0
    assert counts[("news", "bilstm", "200")] == counts[("news", "bilstm-no-crf", "200")] == 3
    assert counts[("bio.v1", "bilstm-no-crf", ALL)] == 0


def test_jobs_are_found_by_the_names_of_their_runs(tmp_path: Path) -> None:
    for job in (*WANTED.trials(), *WANTED.trainings(), *WANTED.speeds(tmp_path)):
        assert Job.read(job.run.name, job.run.seed) == job


def test_threads_are_taken_if_they_are_worth_it(tmp_path: Path) -> None:
    timed = Job("news", "spacy", Kind.LEARN, ALL, 0)
    assert learning_threads(WANTED, timed, tmp_path) == 1  # nothing is known
    for two, expected in ((109.0, 1), (120.0, 2)):
        for job in WANTED.trials():
            save(job, tmp_path, train_words_per_second=100.0 if job.amount == "1" else two)
        assert learning_threads(WANTED, timed, tmp_path) == expected
    for other in (
        Job("news", "spacy", Kind.LEARN, "50", 0),
        Job("news", "bilstm", Kind.LEARN, ALL, 1),
        Job("news", "bilstm-no-crf", Kind.LEARN, ALL, 0),
    ):  # as many of them as there are cores at once
        assert learning_threads(WANTED, other, tmp_path) == 1


def test_other_corpora_are_read_with_the_threads_that_suit_the_first(tmp_path: Path) -> None:
    for job in WANTED.speed_trials():
        is_faster = (job.system, job.amount) == ("spacy", "2")
        save(job, tmp_path, words_per_second=200.0 if is_faster else 100.0)
    others = [job for job in WANTED.speeds(tmp_path) if job.data != "news"]
    assert {(job.data, job.system, job.amount) for job in others} == {
        (data, system, n) for data in ("bio.v1", "tweets") for system, n in
        (("bilstm", "1"), ("spacy", "2"))
    }  # fmt: skip


def test_plan_has_what_is_left(tmp_path: Path) -> None:
    for job in WANTED.trials():
        save(job, tmp_path, train_words_per_second=1e9)
    counts = {"train": 2000, "dev": 500, "train_sentences": 100}
    words = dict.fromkeys(WANTED.data, counts)
    n_left = len(WANTED.trainings()) + len(WANTED.speeds(tmp_path))
    for done in (0, 1):
        lines = plan_lines(WANTED, words, tmp_path, jobs=2)
        assert sum(int(line.split()[1]) for line in lines[1:-1]) == n_left - done
        save(WANTED.trainings()[0], tmp_path, f1=0.5)
    minutes = float(lines[-1].split()[-1])
    alone = sum(map(WANTED.is_timed, WANTED.trainings())) + len(WANTED.speeds(tmp_path))
    assert minutes == pytest.approx(alone / 2 + (n_left - 1 - alone) / 4, abs=0.06)


@pytest.mark.parametrize("name", SYSTEMS)
def test_more_data_are_never_less_to_learn(name: str) -> None:
    amounts = [learned_words(SYSTEMS[name], n, n // 4) for n in (100, 1000, 10_000, 200_000)]
    assert amounts == sorted(amounts)
    assert amounts[0] > 0


@given(
    st.lists(st.tuples(*2 * [st.floats(0, 100).map(lambda x: round(x, 3))]), min_size=2, max_size=4)
)
def test_crossings_are_where_the_order_changes(pairs: list[tuple[float, float]]) -> None:
    sizes = [50, 200, 1000, 5000][: len(pairs)]
    one, other = (
        Curve(name, dict(zip(sizes, column, strict=True)), {})
        for name, column in zip("ab", zip(*pairs, strict=True), strict=True)
    )
    found = find_crossings([one, other])
    signs = np.sign([a - b for a, b in pairs])
    changes = [i for i in range(len(signs) - 1) if signs[i] * signs[i + 1] < 0]
    assert len(found) == len(changes)
    for crossing, i in zip(found, changes, strict=True):
        assert sizes[i] <= crossing.sentences <= sizes[i + 1]
        x = np.log([sizes[i], crossing.sentences, sizes[i + 1]])
        for curve in (one, other):  # both lines go through it
            ends = [curve.mean[sizes[i]], curve.mean[sizes[i + 1]]]
            assert np.interp(x[1], x[[0, 2]], ends) == pytest.approx(crossing.f1, abs=1e-6)
        assert crossing.better == ("a" if signs[i + 1] > 0 else "b")


def test_spread_has_a_deviation_of_several() -> None:
    assert (spread([]), spread([50.0]), spread([49.0, 51.0])) == (NONE, "50.00", "50.00 (1.41)")
