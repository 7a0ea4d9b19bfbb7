"""The file of the features that a model knows: their values, in words, and clusters of words.

What is read may come from a stranger: it is compared with the features of the config, and nothing
is taken over that could not have been written here.
"""

import json
from typing import Any

import numpy as np

from ...text.feature_index import FeatureIndex
from ...text.feature_templates import FeatureTemplate, attributes_of
from ...text.word_clusters import WordClusters
from .files import FEATURES, read_json
from .manifest import Content, damage


def pack_features(index: FeatureIndex, clusters: WordClusters | None) -> bytes:
    """The content of the file."""
    content = {
        "values": {name: list(values) for name, values in index.values.items()},
        "combinations": [keys.tolist() for keys in index.keys],
        "clusters": None if clusters is None else dict(clusters.words),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf8")


def unpack_features(
    content: Content, templates: tuple[FeatureTemplate, ...]
) -> tuple[FeatureIndex, WordClusters | None]:
    """The reverse of pack_features.

    templates (Tuple[FeatureTemplate, ...]): The features of the config.
    RAISES ValueError: If the file holds something else than their values.
    """
    saved = read_json(FEATURES, content)
    values, clusters = saved.get("values"), saved.get("clusters")
    if not _are_values(values, attributes_of(templates)):
        raise damage(FEATURES, content, "has no values of the config's features")
    assert isinstance(values, dict)
    is_dict = isinstance(clusters, dict)
    if not (clusters is None or (is_dict and _are_strings([*clusters, *clusters.values()]))):
        raise damage(FEATURES, content, "has no clusters of words")
    try:
        keys = [np.array(own, dtype=np.int64).reshape(-1) for own in saved["combinations"]]
        index = FeatureIndex(templates, {n: tuple(own) for n, own in values.items()}, tuple(keys))
        index.check()
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise damage(FEATURES, content, f"has no combinations of values: {error}") from error
    return index, None if clusters is None else WordClusters(clusters)


def _are_values(values: Any, names: tuple[str, ...]) -> bool:
    return (
        isinstance(values, dict)
        and set(values) == set(names)
        and all(
            isinstance(own, list) and _are_strings(own) and len(set(own)) == len(own)
            for own in values.values()
        )
    )


def _are_strings(found: list[Any]) -> bool:
    return all(isinstance(value, str) for value in found)
