"""The checks with the strategies that feed them, and the extremes that are too large to draw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.fuzz import learning, nested, properties, reading
from tests.fuzz.pipelines import SETUPS, Setup
from tests.fuzz.strategies import SPLITS, Recipe, labels, plain_recipes, recipes, words

LONG = 100_000
HUGE = 10_000_000


@dataclass(frozen=True)
class Check:
    """A property and what to draw for it. cost: how many examples of the cheapest it is worth."""

    function: Callable[..., None]
    arguments: dict[str, st.SearchStrategy[Any]]
    cost: int = 1

    @property
    def name(self) -> str:
        return self.function.__name__


def make_checks(setups: Sequence[Setup], real: tuple[str, ...]) -> list[Check]:
    """All checks.

    setups: The pipelines to choose from. real: Texts to mutate.
    """
    setup = st.sampled_from(list(setups))
    spans = nested.span_setups(setups)
    documents = st.lists(recipes(real), max_size=5)
    some_fail = st.lists(st.one_of(plain_recipes(), recipes(real)), max_size=6)
    pairs = st.lists(st.tuples(recipes(real), st.sampled_from(SPLITS)), min_size=1, max_size=4)
    batch_size = st.integers(1, 6)
    word = st.one_of(words(real), st.just(""))
    tag = st.one_of(st.sampled_from(["O", "B-X", "I-X", "L-X", "U-X", "E-X"]), words(real))
    offset = st.tuples(st.integers(-1, 30), st.integers(-1, 30), st.sampled_from("AB"))
    return [
        Check(
            reading.check_column_file,
            {
                "lines": st.lists(st.tuples(word, tag), max_size=8),
                "junk": st.one_of(st.just(b""), st.binary(max_size=4)),
                "at": st.integers(0, 200),
            },
        ),
        Check(
            reading.check_offsets,
            {"recipe": recipes(real), "annotations": st.lists(offset, max_size=4, unique=True)},
        ),
        Check(
            properties.check_prediction,
            {"setup": setup, "recipes": documents, "batch_size": batch_size},
        ),
        Check(properties.check_batches, {"setup": setup, "recipes": documents}),
        Check(properties.check_structure, {"setup": setup, "recipes": documents}),
        Check(
            properties.check_readings,
            {
                "setup": setup,
                "recipe": recipes(real),
                "start": st.integers(0, 40),
                "length": st.integers(0, 30),
                "k": st.integers(1, 6),
            },
            2,
        ),
        Check(properties.check_errors, {"recipes": some_fail, "batch_size": batch_size}),
        Check(learning.check_training, {"setup": setup, "pairs": pairs}, 2),
        Check(learning.check_initialize, {"setup": setup, "pairs": pairs, "labels": labels()}, 4),
        Check(
            learning.check_growth,
            {"setup": setup, "pairs": pairs, "label": labels(max_size=1).map(lambda one: one[0])},
            10,
        ),
        Check(
            learning.check_labels,
            {"setup": setup, "labels": labels(), "recipes": st.lists(recipes(real), max_size=2)},
            12,
        ),
        Check(
            nested.check_span_prediction,
            {"setup": spans, "recipes": documents, "batch_size": batch_size},
            2,
        ),
        Check(nested.check_span_batches, {"setup": spans, "recipes": documents}, 2),
        Check(nested.check_span_training, {"setup": spans, "pairs": pairs}, 4),
    ]


def extremes(
    setups: Sequence[Setup] = SETUPS, *, huge: int = HUGE, long: int = LONG
) -> list[tuple[str, Setup, list[Recipe]]]:
    """Documents that are too large to draw: their names, pipelines and recipes.

    huge: characters of white space. long: characters of a token.
    """
    found: list[tuple[str, Setup, list[Recipe]]] = []
    for setup in setups:
        near = Recipe(("Aspirin", "helps"), "words")
        for name, char in {"spaces": " ", "lines": "\n", "joiners": "\u200d"}.items():
            # each such character is a piece of its own to bytes; the arrays are what takes memory
            size = huge if char != "\u200d" else min(huge, 1_000_000)
            run = Recipe(("Aspirin", char * size, "helps"), "words")
            found.append((f"{size} {name}, {setup.tokenizer}", setup, [near, run]))
        texts = {"x": "x" * long, "base64": "aB3/" * (long // 4), "是": "是" * long}
        for name, text in texts.items():
            found.append(
                (
                    f"a token of {long} characters ({name}), {setup.tokenizer}",
                    replace(setup, window=max(32, setup.window)),
                    [near, Recipe(("Aspirin", text, "helps"), "words")],
                )
            )
    many = tuple(f"label {i}" for i in range(500))
    for scheme, crf in (("BIO", True), ("BILOU", True), ("BILOU", False)):
        setup = Setup(tag_scheme=scheme, use_crf=crf, labels=many)
        found.append((f"500 labels, {scheme}, crf={crf}", setup, [Recipe(("a b c d e",))] * 3))
    return found
