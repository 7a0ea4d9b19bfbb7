"""The types of a UIMA CAS as INCEpTION and DKPro have them, and what stands there beside."""

import json
from collections.abc import Iterator
from typing import Any

NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
VALUE, IDENTIFIER = "value", "identifier"
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
METADATA = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData"
RELATION, LABEL = "custom.Relation", "label"
GOVERNOR, DEPENDENT = "Governor", "Dependent"
# Of a type of our own, which has what a CAS has no place for, as JSON.
RECORD, JSON = "spacy_ner_plus.Record", "json"
# Of a span's meta: the other features of its annotation.
FEATURES = "features"

DOCUMENT_ANNOTATION = "uima.tcas.DocumentAnnotation"
_OWN = ("sofa", "begin", "end")
RANGES = {
    bool: "uima.cas.Boolean",
    int: "uima.cas.Integer",
    float: "uima.cas.Double",
    str: "uima.cas.String",
}
TYPE_SYSTEM = "TypeSystem.xml"


def features_of(annotation: Any) -> Iterator[tuple[str, Any]]:
    """The features of an annotation that have a plain value."""
    for feature in annotation.type.all_features:
        value = annotation[feature.name] if feature.name not in _OWN else None
        if isinstance(value, (str, int, float)):
            yield feature.name, value


def is_span_layer(name: str, type: Any) -> bool:
    """Whether annotations of a type may be entities, by its features."""
    others = {feature.name for feature in type.all_features} - set(_OWN)
    return bool(others) and GOVERNOR not in others and name not in (METADATA, RECORD)


def key_of_span(span: dict[str, Any]) -> str:
    """What a CAS says of an entity, by which it is known again."""
    features = span.get("meta", {}).get(FEATURES)
    values = [span["start"], span["end"], span["label"], span.get("kb_id"), features]
    return json.dumps(values, sort_keys=True)


def key_of_relation(relation: dict[str, Any]) -> str:
    """The same of a relation."""
    return json.dumps([relation["head"], relation["tail"], relation["label"]])
