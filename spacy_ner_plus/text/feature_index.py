"""Which features a model knows, and the row of its weights that belongs to each.

The weights of a feature that looks at one attribute are a block with a row for each value: the
first for a value that is unknown or missing, which stays 0, the second for a place beyond the
document's edge. Those of several attributes at once are a block with a row for each combination
that is known, found by a sorted table of keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .feature_templates import FeatureTemplate, Term, attributes_of
from .token_features import EDGE, N_RESERVED, NONE, AttributeValues

# How a place beyond the document, and a value that is unknown or missing, are shown.
EDGE_NAME, NONE_NAME = "(edge)", "(none)"


@dataclass(frozen=True)
class FeatureIndex:
    """The known features, template by template.

    templates (Tuple[FeatureTemplate, ...]): What they look at.
    values (Mapping[str, Sequence[str]]): Of each attribute, the known values. Their ids are
        N_RESERVED, N_RESERVED + 1, ...
    keys: for each template of several attributes, in order: (n,) int64, ascending, the known
        combinations of ids; see `keys_of`.
    RAISES ValueError: If an attribute of a template has no values, or there are too many to join.
    """

    templates: tuple[FeatureTemplate, ...]
    values: Mapping[str, Sequence[str]]
    keys: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        for template in self.joint:
            if np.prod([float(n) for n in self._radices(template)]) >= 2.0**62:
                raise ValueError(
                    f"The attributes of the feature {str(template)!r} have too many values to be "
                    "joined: take coarser ones, such as short_shape, or raise min_freq."
                )

    @classmethod
    def empty(cls, templates: tuple[FeatureTemplate, ...]) -> "FeatureIndex":
        """One that knows no feature."""
        n_joint = sum(len(template.terms) > 1 for template in templates)
        none = np.zeros(0, dtype=np.int64)
        return cls(templates, dict.fromkeys(attributes_of(templates), ()), (none,) * n_joint)

    @property
    def joint(self) -> list[FeatureTemplate]:
        """The templates of several attributes."""
        return [template for template in self.templates if len(template.terms) > 1]

    @cached_property
    def key_tables(self) -> dict[FeatureTemplate, np.ndarray]:
        """The keys by template."""
        return dict(zip(self.joint, self.keys, strict=True))

    @cached_property
    def bases(self) -> np.ndarray:
        """(n_templates + 1,) int64: the first row of each template's block, and n_rows."""
        return np.cumsum([0, *map(self._n_rows, self.templates)])

    @property
    def n_rows(self) -> int:
        """How many rows the weights have."""
        return int(self.bases[-1])

    def _n_rows(self, template: FeatureTemplate) -> int:
        if len(template.terms) > 1:
            return 1 + len(self.key_tables[template])
        return N_RESERVED + len(self.values[template.terms[0].attribute])

    def rows(self, tokens: AttributeValues) -> np.ndarray:
        """The row of each feature of each token: the first of its block if it has none.

        RETURNS: (n_rows, n_templates) int64.
        """
        columns = [
            base + (tokens.ids(t.terms[0]) if len(t.terms) == 1 else self.joint_ids(t, tokens))
            for t, base in zip(self.templates, self.bases, strict=False)
        ]
        return np.stack(columns, axis=1)

    def joint_ids(self, template: FeatureTemplate, tokens: AttributeValues) -> np.ndarray:
        """(n_rows,) int64: 1 + the place of each token's key among the known ones, 0 for none."""
        table = self.key_tables[template]
        if not len(table):
            return np.zeros(tokens.n_rows, dtype=np.int64)
        keys = self.keys_of(template, tokens)  # (n_rows,)
        at = np.searchsorted(table, keys).clip(max=len(table) - 1)
        return np.where(table[at] == keys, at + 1, 0)

    def keys_of(self, template: FeatureTemplate, tokens: AttributeValues) -> np.ndarray:
        """One number for the ids of all its attributes, (n_rows,) int64; -1 if one is missing."""
        return self._join(template, [tokens.ids(term) for term in template.terms])

    def _join(self, template: FeatureTemplate, ids: Sequence[np.ndarray]) -> np.ndarray:
        keys = np.zeros(len(ids[0]), dtype=np.int64)
        for own, radix in zip(ids, self._radices(template), strict=True):
            keys = keys * radix + own
        return np.where(np.logical_and.reduce([own != NONE for own in ids]), keys, -1)

    def _split(self, template: FeatureTemplate, keys: np.ndarray) -> list[np.ndarray]:
        """The ids of which keys are, (n,) each."""
        ids = []
        for radix in reversed(self._radices(template)):
            keys, own = np.divmod(keys, radix)
            ids.append(own)
        return ids[::-1]

    def _radices(self, template: FeatureTemplate) -> list[int]:
        return [N_RESERVED + len(self.values[term.attribute]) for term in template.terms]

    def check(self) -> None:
        """RAISES ValueError: If keys are none of these attributes' values, or not ascending."""
        if len(self.keys) != len(self.joint):
            raise ValueError(f"{len(self.keys)} tables of {len(self.joint)} joint features")
        for template, table in zip(self.joint, self.keys, strict=True):
            largest = int(np.prod(self._radices(template), dtype=np.int64))
            if len(table) and (table[0] < 0 or table[-1] >= largest or (np.diff(table) <= 0).any()):
                raise ValueError(f"those of {str(template)!r} are out of range or not ascending")

    # Names

    def names(self, rows: np.ndarray) -> list[str]:
        """What features are called, such as "lower[-1]=the".

        rows: (n,) int64.
        """
        owners = np.searchsorted(self.bases, rows, side="right") - 1
        return [
            self._name(int(t), int(row - self.bases[t]))
            for t, row in zip(owners, rows, strict=True)
        ]

    def _name(self, owner: int, within: int) -> str:
        template = self.templates[owner]
        ids = [within]
        if within == NONE:
            return f"{template}={NONE_NAME}"
        if len(template.terms) > 1:
            key = self.key_tables[template][within - 1 : within]
            ids = [int(own[0]) for own in self._split(template, key)]
        named = [self._value(term, own) for term, own in zip(template.terms, ids, strict=True)]
        return f"{template}={'+'.join(named)}"

    def _value(self, term: Term, value: int) -> str:
        return EDGE_NAME if value == EDGE else self.values[term.attribute][value - N_RESERVED]

    # Learning which there are, and forgetting some

    def with_keys(self, tokens: AttributeValues, min_freq: int) -> "FeatureIndex":
        """The same with the combinations that some tokens have often enough."""
        tables = []
        for template in self.joint:
            keys, counts = np.unique(self.keys_of(template, tokens), return_counts=True)
            tables.append(keys[(counts >= min_freq) & (keys >= 0)])
        return FeatureIndex(self.templates, self.values, tuple(tables))

    def chosen(self, is_wanted: np.ndarray) -> "tuple[FeatureIndex, np.ndarray]":
        """One with some features only, and the rows of this one that its rows are.

        is_wanted: (n_rows,) bool. A value stays if any feature with it is wanted.
        """
        used = self._used_values(is_wanted)  # by attribute: (n_ids,) bool
        new_ids = {name: np.cumsum(own) - 1 for name, own in used.items()}
        values = {
            name: tuple(
                v for v, stays in zip(self.values[name], own[N_RESERVED:], strict=True) if stays
            )
            for name, own in used.items()
        }
        bare = FeatureIndex(self.templates, values, tuple(k[:0] for k in self.keys))
        tables, rows = [], []
        for template, base in zip(self.templates, self.bases, strict=False):
            if len(template.terms) == 1:
                rows.append(base + np.flatnonzero(used[template.terms[0].attribute]))
                continue
            table = self.key_tables[template]
            places = np.flatnonzero(is_wanted[base + 1 : base + 1 + len(table)])
            ids = self._split(template, table[places])
            keys = bare._join(
                template,
                [new_ids[t.attribute][own] for t, own in zip(template.terms, ids, strict=True)],
            )
            order = np.argsort(keys)
            tables.append(keys[order])
            rows.append(np.concatenate([[base], base + 1 + places[order]]))
        return FeatureIndex(self.templates, values, tuple(tables)), np.concatenate(rows)

    def _used_values(self, is_wanted: np.ndarray) -> dict[str, np.ndarray]:
        """By attribute, (n_ids,) bool: the ids that a wanted feature has, and the reserved ones."""
        used = {
            name: np.arange(N_RESERVED + len(v)) < N_RESERVED for name, v in self.values.items()
        }
        for template, base in zip(self.templates, self.bases, strict=False):
            if len(template.terms) == 1:
                own = used[template.terms[0].attribute]
                own |= is_wanted[base : base + len(own)]
                continue
            table = self.key_tables[template]
            wanted = table[is_wanted[base + 1 : base + 1 + len(table)]]
            for term, ids in zip(template.terms, self._split(template, wanted), strict=True):
                used[term.attribute][ids] = True
        return used

    def none_rows(self) -> np.ndarray:
        """(n_templates,) int64: the rows of what is unknown or missing."""
        return self.bases[:-1]
