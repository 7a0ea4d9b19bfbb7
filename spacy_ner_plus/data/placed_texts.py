"""From records to Docs that are written: one policy, one report."""

from dataclasses import dataclass, field, replace

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..annotation.doc_records import PlacedDoc, place_record
from ..annotation.offsets import TokenEdges
from ..annotation.placement import LEFT_OUT, MISALIGNED, REFUSED, SPLIT, UNUSABLE, Placing
from ..records import TextRecord
from ..text.exceptions_tokenizer import ExceptionsTokenizer
from .placement_report import PlacementReport


@dataclass(frozen=True)
class TextPlacer:
    """Makes Docs of records, and notes what became of their annotations.

    nlp (Language): Its tokenizer cuts texts that have no tokens.
    placing (Placing): What becomes of annotations that do not fit. "skip" leaves out the texts
        that they are in.
    spans_key (str): Where entities go: doc.spans[spans_key], or None for doc.ents alone. Then texts
        in which one is refused are left out, unless "missing" says that something may be unknown.
    report (PlacementReport): Where it is noted.
    """

    nlp: Language
    placing: Placing
    spans_key: str | None
    report: PlacementReport
    # what a language adds to a vocabulary is not stored
    _bare: Language = field(default_factory=lambda: Language(Vocab()), init=False, repr=False)

    def place(self, where: str, record: TextRecord) -> PlacedDoc | None:
        """The Doc of a record; None if the text is left out.

        where (str): The file, and the line or number.
        RAISES ValueError: The record says what a Doc can't.
        """
        nlp = self.nlp if record.tokens is None else self._bare
        try:
            placed = place_record(record, nlp, self.spans_key, self.placing)
        except ValueError as error:
            self.report.refuse(where, record, UNUSABLE, str(error))
            raise
        placements = placed.fitted.placements
        # what is unknown is beside a group, and spaCy's spancat takes it for outside
        is_open = self.spans_key is None or self.placing.misaligned == "missing"
        leaves_out = self.placing.misaligned == "skip" or not is_open
        if leaves_out and any(MISALIGNED in one.done for one in placements):
            others = "another annotation of the text is not on token boundaries"
            left_out = [
                one
                if one.outcome == REFUSED
                else replace(one, outcome=REFUSED, done=(LEFT_OUT,), placed=None, message=others)
                for one in placements
            ]
            self.report.add(where, record, left_out)
            return None
        if record.tokens is None:
            placed = self._with_splits(record, placed)
        self.report.add(where, record, placed.fitted.placements)
        return placed

    def _with_splits(self, record: TextRecord, placed: PlacedDoc) -> PlacedDoc:
        """With SPLIT in what was done for those that fit because of exceptions."""
        tokenizer = self.nlp.tokenizer
        if not isinstance(tokenizer, ExceptionsTokenizer):
            return placed
        uncut: Doc = tokenizer.base(record.text)
        if len(uncut) == len(placed.doc):
            return placed
        edges = TokenEdges(uncut)
        fitted = placed.fitted
        noted = tuple(
            replace(one, done=(*one.done, SPLIT))
            if one.placed and edges.tokens(one.placed.start, one.placed.end) is None
            else one
            for one in fitted.placements
        )
        return replace(placed, fitted=replace(fitted, placements=noted))
