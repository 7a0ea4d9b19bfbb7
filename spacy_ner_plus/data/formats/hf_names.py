"""The names of tags that are numbers, in data sets of Hugging Face."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...support.extras import require
from ..sources.text_inputs import read_json

# Written beside the data by `datasets`: of one configuration, of several.
_INFO_FILES = ("dataset_info.json", "dataset_infos.json")
_HINT = (
    "Give the names of the tags in the order of their numbers with label_names: a list, a mapping "
    "of numbers to names, or a JSON file with either"
)
PARQUET_KEY = b"huggingface"

Names = Mapping[int, str]


def find_names(
    path: Path, field: str, given: Sequence[str] | Mapping[Any, Any] | str | Path | None
) -> Names:
    """The names of the tags that a column has by their numbers.

    path (Path): The file with the column. field (str): The column.
    given: The names, or a mapping either way, or a JSON file with one of these; None to take them
        from the features of the data set: in a Parquet file itself, or beside the file.
    RAISES (ValueError): There are none, and how to give them.
    """
    if isinstance(given, (str, Path)):
        given = _from_file(Path(given), field)
    if given is not None:
        return _as_names(given)
    found: dict[str, tuple[str, ...]] = {}
    for where, info in _infos(path):
        names = class_names(_features(info).get(field))
        if names is not None:
            found[where] = names
    if not found:
        raise ValueError(
            f"{path}: the tags in '{field}' are numbers, and nothing says what they mean: neither "
            f"the file nor {' or '.join(_INFO_FILES)} beside it has their names. {_HINT}."
        )
    if len(set(found.values())) > 1:
        raise ValueError(
            f"{path}: {' and '.join(found)} name the tags in '{field}' differently. {_HINT}."
        )
    return dict(enumerate(next(iter(found.values()))))


def class_names(feature: Any) -> tuple[str, ...] | None:
    """The names in a feature of `datasets`: a class label, or a list of such."""
    if isinstance(feature, list):
        return class_names(feature[0]) if len(feature) == 1 else None
    if not isinstance(feature, dict):
        return None
    names = feature.get("names")
    if isinstance(names, list) and all(isinstance(one, str) for one in names):
        return tuple(names)
    return class_names(feature.get("feature"))


def _infos(path: Path) -> Iterator[tuple[str, Any]]:
    """What is said about a file's data set, with where."""
    if is_parquet(path):
        metadata = require("pyarrow.parquet", "parquet").read_schema(path).metadata or {}
        if PARQUET_KEY in metadata:
            yield str(path), json.loads(metadata[PARQUET_KEY]).get("info")
            return
    for folder in (path.parent, path.parent.parent):
        for name in _INFO_FILES:
            if (file := folder / name).is_file():
                value = read_json(file.read_bytes())
                infos = [value] if "features" in value else value.values()
                yield from ((f"{file} ({i})", info) for i, info in enumerate(infos, start=1))
                return


def is_parquet(path: Path) -> bool:
    """Whether a file is a Parquet file, whatever its name."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _features(info: Any) -> Mapping[str, Any]:
    features = info.get("features") if isinstance(info, dict) else None
    return features if isinstance(features, dict) else {}


def _from_file(path: Path, field: str) -> Any:
    if not path.is_file():
        raise ValueError(f"label_names: there is no file {path}: correct its name.")
    value = read_json(path.read_bytes())
    if isinstance(value, dict) and "features" in value:
        value = class_names(_features(value).get(field))
    elif isinstance(value, dict) and isinstance(value.get("id2label"), (dict, list)):  # of a model
        value = value["id2label"]
    if value is None:
        raise ValueError(f"{path} has no names of the tags in '{field}'. {_HINT}.")
    return value


def _as_names(given: Any) -> Names:
    """RAISES (ValueError): They are no names, or a number or a name is there twice."""
    if isinstance(given, Mapping):
        pairs = [(key, value) for key, value in given.items()]
        if all(isinstance(value, int) for _, value in pairs):
            pairs = [(value, key) for key, value in pairs]
    else:
        pairs = list(enumerate(given))
    try:
        names = {int(number): name for number, name in pairs}
    except (TypeError, ValueError):
        raise ValueError(f"label_names has more than numbers and names. {_HINT}.") from None
    if not all(isinstance(name, str) for name in names.values()) or len(names) < len(pairs):
        raise ValueError(f"label_names must name each number once. {_HINT}.")
    if len(set(names.values())) < len(names):
        raise ValueError(f"label_names has a name twice. {_HINT}.")
    return names
