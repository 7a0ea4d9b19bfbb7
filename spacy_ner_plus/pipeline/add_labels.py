"""New types for a component that a training config takes from a trained pipeline."""

from collections.abc import Callable
from typing import Any

from spacy import registry
from spacy.language import Language


@registry.callbacks("spacy_ner_plus.add_labels.v1")
def make_add_labels_v1(component: str, labels: list[str]) -> Callable[[Language], Language]:
    """What adds types to a component before training, for [initialize.after_init].

    A component that comes from another pipeline (`source`) is not initialised, so it does not see
    the types of the data. With `annotated_labels` and rehearsal, it keeps those that it has: see
    docs/learning.md.

    component (str): Its name in the pipeline.
    labels (List[str]): The types; those that it has already are passed over.
    """

    def add_labels(nlp: Language) -> Language:
        # it is disabled while others are initialised
        pipe: Any = nlp.get_pipe(component) if component in nlp.component_names else None
        if not hasattr(pipe, "add_label"):
            raise ValueError(
                f"spacy_ner_plus.add_labels.v1: the pipeline has no component {component!r} that "
                f"takes labels. It has: {', '.join(nlp.component_names) or 'no components'}."
            )
        for label in labels:
            pipe.add_label(label)
        return nlp

    return add_labels
