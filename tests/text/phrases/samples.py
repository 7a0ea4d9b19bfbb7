"""Phrases and texts that people wrote."""

from functools import cache
from itertools import islice
from pathlib import Path

import spacy
from spacy.language import Language

from spacy_ner_plus.data.formats.record_files import open_records
from tests.conftest import SPECIAL_CASES

FILE = Path(__file__).parents[3] / "assets" / "bc5cdr-columns" / "test.tsv"
N_TEXTS = 120


@cache
def english() -> Language:
    """English with the few special cases that texts here have: to learn all takes a while."""
    nlp = spacy.blank("en")
    nlp.tokenizer.rules = {word: nlp.tokenizer.rules[word] for word in SPECIAL_CASES}
    return nlp


@cache
def bc5cdr() -> tuple[list[str], list[str]]:
    """Different names of diseases and chemicals, and texts that have them."""
    records = [record for _, record in islice(open_records(FILE).records(), N_TEXTS)]
    names = {r.text[span.start : span.end] for r in records for span in r.spans or ()}
    return sorted(names), [record.text for record in records]
