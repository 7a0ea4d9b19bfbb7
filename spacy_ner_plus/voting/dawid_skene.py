"""What voters' agreement tells of how good each is, and of what is true.

The model is that of Dawid and Skene (1979), "Maximum likelihood estimation of observer error-rates
using the EM algorithm": an item has a true class, one of the labels or none, drawn by shares p(k);
given the class, each voter answers by itself, with the probabilities t_j(k, v) of its own. Nobody
knows the classes; both kinds of probabilities are those that make the votes most probable, found by
expectation-maximization (Dempster, Laird and Rubin 1977). Silence is an answer like others.

Two things are added. Items are seen only if somebody votes a label for them, and a voter's mistakes
would look like rare ones otherwise: in the class "none" an item is seen just because of a mistake.
So the likelihood is that of votes given that the item is seen, and the unseen ones, of each class,
are filled in by their expected number (Dempster, Laird and Rubin, section 4.2, truncated data).
And there is a Dirichlet prior, without which a voter with three votes would be believed to be
perfect or hopeless, and labels could trade places: it is worth PRIOR_VOTES votes of a voter that is
silent about half of what it knows and wrong now and then.

Voters that copy each other are not independent, as the model has it: together they count for more
than they know.
"""

from dataclasses import dataclass, field

import numpy as np

from .vote_table import SILENT, VoteTable

PRIOR_VOTES = 5.0
MAX_ITERATIONS = 2000
# EM has converged when the objective grows by less than this, in nats an item.
TOLERANCE = 1e-8
# At most so large a part of all items is taken for unseen: beyond, nothing changes any more.
_MOST_UNSEEN = 1.0 - 1e-6

# What a voter is taken for: the shares of answers by the true class, split up among those that it
# has ever given. Of a label that it knows:
_RIGHT, _SILENT = 0.5, 0.4  # and the rest on other labels
_SILENT_OF_OTHERS = 0.8  # of a label that it never says
_SILENT_OF_NONE = 0.7  # where there is nothing; or "it is none", if it ever says so


@dataclass(frozen=True)
class WeighedVotes:
    """What the votes tell.

    table (VoteTable): The votes.
    shares: float64 (n_labels + 1,), of the classes, unseen items included: none, then the labels.
    answers: float64 (n_voters, n_labels + 1, n_labels + 2), of each voter, by the true class, the
        probability of each vote; rows sum to 1.
    probabilities: float64 (n_items, n_labels + 1), of the classes of each item; rows sum to 1.
    objective (List[float]): The log of the probability of all votes and the prior, before each
        iteration: it never falls.
    has_converged (bool): Whether it stands still.
    """

    table: VoteTable
    shares: np.ndarray
    answers: np.ndarray
    probabilities: np.ndarray
    objective: list[float] = field(default_factory=list)
    has_converged: bool = True

    def precision(self) -> np.ndarray:
        """Of each voter, the expected share of its votes for labels that are right, (n_voters,).

        nan for voters without such votes.
        """
        right, given = self._right(), self.table.for_labels.sum(axis=0)
        return np.divide(right, given, out=np.full(len(right), np.nan), where=given > 0)

    def recall(self) -> np.ndarray:
        """Of each voter, the expected share of items with labels that it ever says, (n_voters,).

        That is, of those which it has labelled rightly; nan for voters without votes for labels.
        """
        expected = self.probabilities[:, 1:].sum(axis=0)  # (n_labels,)
        votes = self.table.votes
        found = np.full(votes.shape[1], np.nan)
        for j, right in enumerate(self._right().tolist()):
            said = np.unique(votes[self.table.for_labels[:, j], j]) - 1
            if len(said) and expected[said].sum():
                found[j] = right / expected[said].sum()
        return found

    def _right(self) -> np.ndarray:
        """The expected number of right votes for labels of each voter, (n_voters,)."""
        items, voters = np.nonzero(self.table.for_labels)
        classes = self.table.votes[items, voters]
        weights = self.probabilities[items, classes]
        return np.bincount(voters, weights, minlength=len(self.table.voters))


def weigh_votes(table: VoteTable, *, max_iterations: int = MAX_ITERATIONS) -> WeighedVotes:
    """Fit the model to some votes: see above. The same votes give the same numbers.

    RAISES ValueError: There are no voters or no labels.
    """
    if not table.voters or not table.labels:
        raise ValueError("There must be at least one voter and one label.")
    n_classes = len(table.labels) + 1
    rows, row_of, counts = np.unique(table.votes, axis=0, return_inverse=True, return_counts=True)
    row_of = row_of.reshape(-1)
    prior = prior_answers(table)  # (n_voters, n_classes, n_votes)
    shares, answers = np.full(n_classes, 1.0 / n_classes), prior
    objective: list[float] = []
    has_converged = False
    for _ in range(max_iterations):
        joint = log_joint(rows, shares, answers)  # (n_rows, n_classes)
        total = np.logaddexp.reduce(joint, axis=1)  # (n_rows,)
        probabilities = np.exp(joint - total[:, None])
        unseen = unseen_shares(shares, answers)  # (n_classes,)
        seen = np.log1p(-unseen.sum())
        objective.append(
            float(counts @ total) - len(table) * float(seen) + _log_prior(shares, answers, prior)
        )
        is_still = len(objective) > 1 and objective[-1] - objective[-2] < TOLERANCE * len(table)
        if is_still or not len(table):
            has_converged = True
            break
        n_unseen = len(table) * unseen / (1.0 - unseen.sum())  # (n_classes,)
        shares, answers = _estimates(rows, counts, probabilities, n_unseen, answers, prior)
    joint = log_joint(rows, shares, answers)
    probabilities = np.exp(joint - np.logaddexp.reduce(joint, axis=1)[:, None])
    return WeighedVotes(table, shares, answers, probabilities[row_of], objective, has_converged)


def log_joint(votes: np.ndarray, shares: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The log of p(k) times the product over voters of t_j(k, v), (n_items, n_classes).

    votes: int64 (n_items, n_voters). shares, answers: As those of WeighedVotes.
    """
    with np.errstate(divide="ignore"):  # what a voter never says has probability 0
        log_answers = np.log(answers)
        joint = np.tile(np.log(shares), (len(votes), 1))
    for j, column in enumerate(votes.T):
        joint += log_answers[j][:, column].T  # (n_items, n_classes)
    return joint


def unseen_shares(shares: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The shares of items that no voter votes a label for, of all items, by class, (n_classes,).

    shares, answers: As those of WeighedVotes.
    """
    with np.errstate(divide="ignore"):
        quiet = np.log(_quiet(answers)).sum(axis=0)  # (n_classes,)
    unseen = shares * np.exp(quiet)
    return np.asarray(unseen * min(1.0, _MOST_UNSEEN / max(unseen.sum(), 1e-300)))


def _quiet(answers: np.ndarray) -> np.ndarray:
    """How probable it is that a voter votes for no label, by class, (n_voters, n_classes)."""
    return np.asarray(answers[:, :, SILENT] + answers[:, :, -1])


def prior_answers(table: VoteTable) -> np.ndarray:
    """What a voter is taken for before its votes are looked at, as `answers` of WeighedVotes.

    Answers that it never gives have probability 0.
    """
    n_classes, n_votes = len(table.labels) + 1, len(table.labels) + 2
    prior = np.zeros((len(table.voters), n_classes, n_votes))
    for j, column in enumerate(table.votes.T):
        given = np.unique(column)
        said = given[(given > SILENT) & (given < table.none)]  # labels, as classes and votes
        quiet = [SILENT, table.none] if table.none in given else [SILENT]
        for k in range(n_classes):
            others = said[said != k]
            if k == 0:
                is_quiet = _SILENT_OF_NONE
            elif k in said:
                is_quiet, prior[j, k, k] = _SILENT, _RIGHT
            else:
                is_quiet = _SILENT_OF_OTHERS
            # "it is none" is as probable as silence where that is so, and a tenth of it elsewhere
            parts = np.array([1.0, 1.0 if k == 0 else 0.1])[: len(quiet)]
            prior[j, k, quiet] = is_quiet * parts / parts.sum()
            if len(others):
                prior[j, k, others] = (1.0 - prior[j, k].sum()) / len(others)
            prior[j, k] /= prior[j, k].sum()
    return prior


def _estimates(
    rows: np.ndarray,
    counts: np.ndarray,
    probabilities: np.ndarray,
    n_unseen: np.ndarray,
    answers: np.ndarray,
    prior: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The most probable shares and answers, by expected counts and those of the prior.

    n_unseen: float64 (n_classes,), items that were not seen. answers: Those of the step before.
    """
    weights = probabilities * counts[:, None]  # (n_rows, n_classes)
    shares = weights.sum(axis=0) + n_unseen + 1.0
    found = PRIOR_VOTES * prior
    for j, column in enumerate(rows.T):
        np.add.at(found[j].T, column, weights)
    each = n_unseen / np.maximum(_quiet(answers), 1e-300)  # (n_voters, n_classes)
    for vote in (SILENT, -1):
        found[:, :, vote] += each * answers[:, :, vote]
    return shares / shares.sum(), found / found.sum(axis=2, keepdims=True)


def _log_prior(shares: np.ndarray, answers: np.ndarray, prior: np.ndarray) -> float:
    """The log of the Dirichlet densities, but for a constant."""
    is_given = prior > 0
    of_answers = PRIOR_VOTES * prior[is_given] @ np.log(answers[is_given])
    return float(of_answers + np.log(shares).sum())
