"""Texts read a second time, by a pipeline that has not seen them."""

from collections.abc import Iterator, Sequence

from spacy.language import Language
from spacy.training import Example
from tqdm import tqdm

from ...data.corpus import unannotated
from ...pipeline.capabilities import GivesSecondReadings, SecondReading, components
from ...pipeline.look_ahead import look_ahead
from ..audited import AuditedText

MAX_DOCS = 128


def second_reader(nlp: Language) -> str:
    """The name of the component that can say where it disagrees; the last one, of several.

    RAISES ValueError: There is none.
    """
    for name, component in reversed(list(zip(nlp.pipe_names, components(nlp), strict=True))):
        if isinstance(component, GivesSecondReadings):
            return name
    raise ValueError(
        "The pipeline has no component that says how probable an annotation is, such as ner_plus. "
        f"It has: {', '.join(nlp.pipe_names) or 'no components'}."
    )


def read_again(nlp: Language, texts: Sequence[AuditedText]) -> Iterator[SecondReading]:
    """Compare the annotation of texts with what a pipeline reads, in the tokens of the annotation.

    YIELDS (SecondReading): One a text.
    RAISES ValueError: See second_reader.
    """
    name = second_reader(nlp)
    ner: GivesSecondReadings = nlp.get_pipe(name)  # type: ignore[assignment]
    later = nlp.pipe_names[nlp.pipe_names.index(name) :]
    docs = nlp.pipe((unannotated(nlp, text.doc) for text in texts), disable=later)
    with tqdm(total=len(texts), desc="Reading", unit="docs", disable=None, leave=False) as bar:
        done = 0
        for batch in look_ahead(docs, max_docs=MAX_DOCS):
            own = texts[done : done + len(batch)]
            pairs = zip(batch, own, strict=True)
            yield from ner.second_readings([Example(doc, text.doc) for doc, text in pairs])
            done += len(batch)
            bar.update(len(batch))
