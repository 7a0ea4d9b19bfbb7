"""The model of voters, against Bayes' rule word for word, and on votes of known truth."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.voting.dawid_skene import PRIOR_VOTES, log_joint, prior_answers, weigh_votes
from spacy_ner_plus.voting.vote_table import SILENT, VoteTable

LABELS = ("A", "B")
NONE = 3


def make(rows, n_voters=None, labels=LABELS):
    n_voters = len(rows[0]) if n_voters is None else n_voters
    return VoteTable.of_rows([f"v{j}" for j in range(n_voters)], labels, rows)


@st.composite
def tables(draw):
    n_voters = draw(st.integers(1, 4))
    vote = st.lists(st.integers(0, NONE), min_size=n_voters, max_size=n_voters)
    rows = draw(st.lists(vote.filter(lambda row: {1, 2} & set(row)), min_size=1, max_size=12))
    return make(rows)


def classes_by_enumeration(table, shares, answers):
    """P(classes of all items | votes), summed for each item: of every assignment of classes."""
    n_items, n_classes = len(table), len(shares)
    found = np.zeros((n_items, n_classes))
    for classes in product(range(n_classes), repeat=n_items):
        weight = 1.0
        for i, k in enumerate(classes):
            weight *= shares[k]
            for j, vote in enumerate(table.votes[i]):
                weight *= answers[j, k, vote]
        found[range(n_items), classes] += weight
    return found / found.sum(axis=1, keepdims=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999))
def test_probabilities_are_those_of_the_enumeration_of_all_truths(seed):
    rng = np.random.default_rng(seed)
    rows = [[1, 0, 2], [0, 1, NONE], [2, 2, 0], [1, 1, 1]][: rng.integers(1, 5)]
    table = make(rows)
    weighed = weigh_votes(table)
    expected = classes_by_enumeration(table, weighed.shares, weighed.answers)
    np.testing.assert_allclose(weighed.probabilities, expected, atol=1e-12)
    # and of any parameters
    shares = rng.dirichlet(np.ones(3))
    answers = rng.dirichlet(np.ones(4), size=(3, 3))
    joint = np.exp(log_joint(table.votes, shares, answers))
    expected = classes_by_enumeration(table, shares, answers)
    np.testing.assert_allclose(joint / joint.sum(axis=1, keepdims=True), expected, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_the_objective_never_falls_and_all_are_probabilities(table):
    weighed = weigh_votes(table)
    assert weighed.has_converged
    steps = np.diff(weighed.objective)
    assert (steps > -1e-9).all()
    for rows in (weighed.shares[None], weighed.answers.reshape(-1, 4), weighed.probabilities):
        assert (rows >= 0).all()
        np.testing.assert_allclose(rows.sum(axis=1), 1.0)
    never = prior_answers(table) == 0
    assert not weighed.answers[never].any()
    given_precision = weighed.precision()[table.for_labels.any(axis=0)]
    assert ((given_precision >= 0) & (given_precision <= 1)).all()


def objective(table, shares, answers, prior):
    """log p(votes | seen) + log of the Dirichlet densities, item by item."""
    total = np.log(shares).sum()
    for j, k, v in product(*map(range, answers.shape)):
        if prior[j, k, v]:
            total += PRIOR_VOTES * prior[j, k, v] * np.log(answers[j, k, v])
    for row in table.votes:
        total += np.log(
            sum(
                shares[k] * np.prod([answers[j, k, vote] for j, vote in enumerate(row)])
                for k in range(len(shares))
            )
        )
    quiet = answers[:, :, SILENT] + answers[:, :, NONE]
    unseen = sum(shares[k] * np.prod(quiet[:, k]) for k in range(len(shares)))
    return total - len(table) * np.log(1.0 - unseen)


def test_what_is_found_is_a_maximum_of_the_stated_objective():
    rng = np.random.default_rng(0)
    rows = [[1, 1, 0], [1, 2, 0], [2, 2, NONE], [1, 0, 1], [0, 2, 2], [2, 0, NONE]] * 4
    table = make(rows)
    weighed, prior = weigh_votes(table), prior_answers(table)
    best = objective(table, weighed.shares, weighed.answers, prior)
    assert weighed.objective[-1] == pytest.approx(best, abs=1e-6)
    for _ in range(50):  # in any direction near it
        shares = weighed.shares * np.exp(1e-3 * rng.normal(size=3))
        answers = weighed.answers * np.exp(1e-3 * rng.normal(size=weighed.answers.shape))
        moved = (shares / shares.sum(), answers / answers.sum(axis=2, keepdims=True))
        assert objective(table, *moved, prior) < best + 1e-9


def simulate(n_items, seed):
    """Votes of voters of different worth, and the truth; items without a vote are not there."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, size=n_items, p=[0.5, 0.3, 0.2])
    # by voter: how often it says something where there is an entity, is right then, and where none
    quality = [(0.9, 0.97, 0.05), (0.6, 0.9, 0.1), (0.5, 0.9, 0.2), (0.7, 0.6, 0.6)]
    votes = np.zeros((n_items, len(quality)), dtype=np.int64)
    for j, (says, is_right, wrong) in enumerate(quality):
        speaks = rng.random(n_items) < np.where(truth > 0, says, wrong)
        right = rng.random(n_items) < is_right
        other = np.where(truth == 0, rng.integers(1, 3, size=n_items), 3 - truth)
        votes[:, j] = np.where(speaks, np.where((truth > 0) & right, truth, other), SILENT)
    kept = votes.any(axis=1)
    return make(votes[kept].tolist()), truth[kept]


def test_the_quality_of_voters_is_recovered_and_beats_the_majority():
    table, truth = simulate(6000, seed=1)
    weighed = weigh_votes(table)
    right = np.array([np.mean(truth[votes > 0] == votes[votes > 0]) for votes in table.votes.T])
    np.testing.assert_allclose(weighed.precision(), right, atol=0.05)
    recall = np.array([(votes == truth)[truth > 0].mean() for votes in table.votes.T])
    np.testing.assert_allclose(weighed.recall(), recall, atol=0.05)
    found = weighed.probabilities.argmax(axis=1)
    counts = np.stack([(table.votes == k).sum(axis=1) for k in range(3)], axis=1)
    counts[:, 0] //= 2  # the best that counting can do with silence here
    majority = counts.argmax(axis=1)
    assert np.mean(found == truth) > np.mean(majority == truth) + 0.05
    # and probabilities come true
    confidence = weighed.probabilities.max(axis=1)
    for low in (0.6, 0.8, 0.9):
        here = (confidence >= low) & (confidence < low + 0.1)
        assert np.mean(found[here] == truth[here]) == pytest.approx(
            confidence[here].mean(), abs=0.08
        )


def test_a_voter_that_nobody_agrees_with_is_believed_less():
    rows = [[1, 1, 0], [2, 2, 0]] * 20 + [[0, 0, 1]] * 20 + [[1, 1, 2]] * 5
    weighed = weigh_votes(make(rows))
    precision = weighed.precision()
    assert precision[2] < 0.5 < precision[0]


def test_few_votes_leave_a_voter_what_it_was_taken_for():
    table = make([[1], [2]])
    weighed = weigh_votes(table)
    assert 0.3 < weighed.probabilities[0, 1] < 0.9
    np.testing.assert_allclose(prior_answers(table)[0, 1], [0.4, 0.5, 0.1, 0.0])


def test_there_must_be_voters_and_labels_and_a_vote_for_one_of_each_item():
    with pytest.raises(ValueError, match="at least one voter and one label"):
        weigh_votes(VoteTable((), LABELS, np.zeros((0, 0), dtype=np.int64)))
    with pytest.raises(ValueError, match=r"item 1 has no vote for a label: \[0, 3\]"):
        make([[1, 0], [0, NONE]])
    with pytest.raises(ValueError, match=r"votes 0 to 4 must be in 0\.\.3"):
        make([[0, 4]])
    empty = weigh_votes(make([], n_voters=2))
    assert empty.probabilities.shape == (0, 3) and empty.has_converged
