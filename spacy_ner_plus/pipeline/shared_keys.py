"""Components that write to the same key of doc.spans."""

import warnings

from spacy.language import Language


def warn_of_shared_key(nlp: Language, name: str, spans_key: str | None) -> None:
    """Warn if another component of a pipeline writes to doc.spans[spans_key] as well.

    It is no error: pipelines with such components were saved, and go on loading.

    nlp (Language): The pipeline so far.
    name (str): The component that joins it.
    """
    if spans_key is None:
        return
    others = [other for other, pipe in nlp.components if _key_of(pipe) == spans_key]
    if others:
        warnings.warn(
            f"'{name}' and '{others[0]}' both write to doc.spans[{spans_key!r}]: what the earlier "
            "one found is not there any more when the later one is done. Give one of them a "
            f"spans_key of its own, such as {name!r}, or null for none.",
            stacklevel=2,
        )


def _key_of(pipe: object) -> object:
    # spaCy's spancat and span_ruler call it key
    return getattr(pipe, "spans_key", None) or getattr(pipe, "key", None)
