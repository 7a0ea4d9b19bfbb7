"""The docs' tables of keys say what the types say."""

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus.audit.agreement import agreement_schema
from spacy_ner_plus.evaluation import confidence_types, schema, score_types
from spacy_ner_plus.evaluation.comparison import comparison_schema
from spacy_ner_plus.evaluation.rule_check import rule_check_schema
from spacy_ner_plus.experiments import results, runs
from spacy_ner_plus.metrics import reliability
from tests.key_tables import DOCS, TABLE, documented_fields, key_table, with_tables

MODULES = (
    schema, score_types, confidence_types, comparison_schema, results, runs, reliability,
    agreement_schema, rule_check_schema,
)  # fmt: skip
DATACLASSES = {
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and is_dataclass(value)
}


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_tables_are_those_of_the_types(path: Path) -> None:
    text = path.read_text(encoding="utf8")
    assert text == with_tables(text), "write them anew: python -m tests.key_tables"


EXPERIMENTS = [
    runs.PlanFile,
    results.RunScores,
    results.CrossValidationResults,
    results.LearningCurveResults,
]


@pytest.mark.parametrize(
    ("page", "kinds"),
    [
        ("evaluation.md", [schema.Metrics]),
        ("compare.md", [comparison_schema.ComparisonMetrics]),
        ("experiments.md", EXPERIMENTS),
        ("agreement.md", [agreement_schema.AgreementMetrics]),
    ],
)
def test_docs_have_the_tables_of_what_commands_write(page: str, kinds: list[type]) -> None:
    tables = TABLE.findall((DOCS / page).read_text(encoding="utf8"))
    assert [found for _, found, _ in tables] == [
        f"{its.__module__}.{its.__name__}" for its in kinds
    ]


@pytest.mark.parametrize("kind", sorted(DATACLASSES, key=str), ids=lambda kind: kind.__name__)
def test_every_field_is_documented(kind: Any) -> None:
    assert list(documented_fields(kind)) == [field.name for field in fields(kind)]


@dataclass(frozen=True)
class Inner:
    """Something within.

    n (int): How many.
    """

    n: int


@dataclass(frozen=True)
class Wider(Inner):
    """More of it.

    shares (List[float]): Of
        both.
    """

    shares: list[float]


@dataclass(frozen=True)
class Whole:
    """All.

    first (Inner): One.
    many (Dict[str, List[Inner]]): By label.
    other (Optional[Wider]): Another.
    ends (Tuple[float, float]): Low and high.
    names (List[Optional[str]]): Its names.
    """

    first: Inner
    many: dict[str, list[Inner]]
    other: Wider | None
    ends: tuple[float, float]
    names: list[str | None]


def test_table_has_a_row_for_each_key() -> None:
    assert key_table(Whole).splitlines()[2:] == [
        "| `first` | object | One. |",
        "| `first.n` | integer | How many. |",
        "| `many` | object of lists of objects | By label. Keys as in `first`. |",
        "| `other` | object or null | Another. Keys as in `first`, and: |",
        "| `other.shares` | list of numbers | Of both. |",
        "| `ends` | list of 2 numbers | Low and high. |",
        "| `names` | list of strings (or null) | Its names. |",
    ]
