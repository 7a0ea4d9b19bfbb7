"""Weights of soft hits that are learned, one for each rule and type.

They are learned on phrases that the model does not learn from: those that it does, it soon knows
without any rule, and rules would seem to be worth nothing. The derivative of the
loss by a weight is how many hits of the rule the model expects to be entities, less how many are.
PULL times the distance from the weight that was given is added for each hit, so that the weight of
a rule that is always right stays finite. A hit whose own weight differs from the mean of its rule
keeps the difference.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from thinc.api import Optimizer

RULE_WEIGHTS = "rule_weights"  # in cfg
# Adam's rate: about what a weight moves by at most in an update. In nats, so that it needs none of
# the schedule of a model's own rate.
RATE = 0.1
# What a hit counts against each nat that its weight is away from the one that was given.
PULL = 0.01
# More is none that was learned.
LARGEST = 1e30
# Derivatives of a loss, by rule and type.
Gradients = dict[tuple[str, str], float]
_FIELDS = ("given", "weight", "mean", "square", "n_steps")


class RuleWeights:
    """Learned weights by rule and type, kept as plain data, and how they learn: by Adam.

    stored (dict): rule -> type -> "given", the weight of its hits when it was first seen; "weight",
        what has become of it; and Adam's "mean", "square" and "n_steps", so that training which is
        resumed goes on alike. It is changed in place.
    """

    def __init__(self, stored: dict[str, dict[str, dict[str, float]]]) -> None:
        self._stored = stored

    def shown(self) -> dict[str, dict[str, float]]:
        """The weight of each rule and type of which something was learned."""
        found: dict[str, dict[str, float]] = {}
        for rule, by_label in self._stored.items():
            for label, state in by_label.items():
                if state["n_steps"]:
                    found.setdefault(rule, {})[label] = state["weight"]
        return found

    def applied(
        self, rules: Sequence[str], labels: Sequence[str], weights: np.ndarray
    ) -> np.ndarray:
        """The weights of hits, with what was learned about their rules, (n,) float64.

        weights: (n,) float64, their own; -inf stays.
        """
        if not self._stored:
            return weights
        applied = weights.copy()
        for i, (rule, label) in enumerate(zip(rules, labels, strict=True)):
            state = self._stored.get(rule, {}).get(label)
            if state is not None:
                applied[i] += state["weight"] - state["given"]
        return applied

    def meet(self, rules: Sequence[str], labels: Sequence[str], weights: np.ndarray) -> None:
        """Begin with the weights of hits whose rule and type were not seen before.

        weights: (n,) float64, their own.
        """
        own: dict[tuple[str, str], list[float]] = defaultdict(list)
        for rule, label, weight in zip(rules, labels, weights.tolist(), strict=True):
            if label not in self._stored.get(rule, {}):
                own[rule, label].append(weight)
        for (rule, label), found in own.items():
            given = sum(found) / len(found)
            state = {"given": given, "weight": given, "mean": 0.0, "square": 0.0, "n_steps": 0}
            self._stored.setdefault(rule, {})[label] = state

    def pulled(
        self, rules: Sequence[str], labels: Sequence[str], gradient: np.ndarray
    ) -> Gradients:
        """A loss's derivatives by the weights of hits, with the pull, by rule and type.

        gradient: (n,) float64, by the weight of each hit.
        """
        found: Gradients = defaultdict(float)
        for rule, label, value in zip(rules, labels, gradient.tolist(), strict=True):
            state = self._stored[rule][label]
            found[rule, label] += value + PULL * (state["weight"] - state["given"])
        return found

    def step(self, gradients: Gradients, settings: Optimizer) -> None:
        """One step of Adam, of those weights that had hits.

        settings (Optimizer): thinc's optimizer, of which the betas are read.
        """
        for (rule, label), gradient in gradients.items():
            state = self._stored[rule][label]
            state["n_steps"] += 1
            state["mean"] += (1 - settings.b1) * (gradient - state["mean"])
            state["square"] += (1 - settings.b2) * (gradient**2 - state["square"])
            mean = state["mean"] / (1 - settings.b1 ** state["n_steps"])
            square = state["square"] / (1 - settings.b2 ** state["n_steps"])
            state["weight"] -= RATE * mean / (math.sqrt(square) + 1e-12)


def fault_of_rule_weights(saved: Any) -> str | None:
    """What is wrong with saved weights; None if nothing is."""
    fine = isinstance(saved, dict) and all(
        isinstance(by_label, dict) and all(map(_is_state, by_label.values()))
        for by_label in saved.values()
    )
    return None if fine else "has no weights of rules"


def _is_state(state: Any) -> bool:
    if not isinstance(state, Mapping) or set(state) != set(_FIELDS):
        return False
    numbers = state.values()
    if not all(isinstance(x, int | float) and abs(x) <= LARGEST for x in numbers):  # nor NaN
        return False
    return bool(state["square"] >= 0 and state["n_steps"] >= 0)
