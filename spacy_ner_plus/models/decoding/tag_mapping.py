"""The tag sequences of one scheme as those of another, one by one.

A valid sequence of BIO and one of BILOU are the same if they hold the same entities: each has
exactly one counterpart. A BIO tag is one or two BILOU tags in coarser words, so a chain over BIO
tags is a chain over BILOU tags, with the same score for each path, if each of these takes the
scores of its coarser tag. The reverse is not so (the finer tags say what follows), but a BIO
student's scores take no more of a BILOU teacher than how often it expects each coarser tag and pair
of tags.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ...nn.crf import SoftTargets
from ...nn.crf.distillation import chain_targets, merged_targets
from ...nn.crf.layout import Layout
from ...nn.crf.messages import ChainScores
from ...nn.crf.transfer import to_device
from ...tags import TagScheme

# What each prefix is in coarser words.
_COARSER = {"B": "B", "U": "B", "I": "I", "L": "I"}


@dataclass(frozen=True)
class TaughtTags:
    """How a teacher's tags are a student's.

    teacher, student (TagScheme): Of the same labels, in any order.
    RAISES ValueError: If one has labels that the other lacks.
    """

    teacher: TagScheme
    student: TagScheme

    def __post_init__(self) -> None:
        check_same_labels(self.teacher.labels, self.student.labels)

    @property
    def is_merged(self) -> bool:
        """Whether the teacher has the finer scheme."""
        return self.teacher.name == "BILOU" and self.student.name == "BIO"

    @cached_property
    def ids(self) -> np.ndarray:
        """(n_student_tags,) int64, the teacher's tag that each of the student's takes scores of.

        If the teacher's are merged, (n_teacher_tags,), the student's tag that each becomes.
        """
        if self.is_merged:
            return _coarse_ids(self.teacher, self.student)
        return _coarse_ids(self.student, self.teacher)

    def targets(
        self, scores: Tensor, chain: ChainScores, layout: Layout, temperature: float
    ) -> SoftTargets:
        """The teacher's distribution over whole sequences of the student's tags.

        scores (Tensor): The teacher's tag scores. *Shape:* (N, n_teacher_tags)
        chain (ChainScores): The teacher's start, transition and end scores; what its scheme forbids
            may score anything.
        layout (Layout): Of the sequences.
        temperature (float): What all scores are divided by.
        """
        device = scores.device
        ids = to_device(self.ids, device)
        known = scores.double() / temperature
        start, transition, end = (part.to(device).double() / temperature for part in chain)
        scheme = self.teacher if self.is_merged else self.student
        if not self.is_merged:
            known = known.index_select(1, ids)  # (N, n_student_tags)
            start, transition, end = start[ids], transition[ids[:, None], ids], end[ids]
        masks = (scheme.starts, scheme.transitions, scheme.ends)
        permitted = [torch.tensor(mask, device=device) for mask in masks]
        targets = chain_targets(
            known, ChainScores.within(permitted, (start, transition, end)), layout
        )
        return merged_targets(targets, ids, self.student.n_tags) if self.is_merged else targets


def check_same_labels(
    labels: tuple[str, ...],
    others: tuple[str, ...],
    names: tuple[str, str] = ("the teacher", "the student"),
) -> None:
    """Check that two models have the same labels, in any order.

    names: What the two are called in the message.
    RAISES ValueError: If one has labels that the other lacks, with these.
    """
    one, other = names
    missing, further = set(labels) - set(others), set(others) - set(labels)
    parts = []
    if missing:
        parts.append(f"{other} lacks {', '.join(sorted(missing))} of {one}")
    if further:
        parts.append(f"{one} lacks {', '.join(sorted(further))} of {other}")
    if parts:
        raise ValueError(
            f"The types of entities differ: {'; '.join(parts)}. A distribution over readings of "
            "these types is not one over readings of those: train both on the same types."
        )


def _coarse_ids(fine: TagScheme, coarse: TagScheme) -> np.ndarray:
    """(n_fine_tags,) int64, the tag of the coarse scheme that each tag of the fine one is.

    The two may be of the same name.
    """
    ids = {tag: i for i, tag in enumerate(coarse.tags)}
    is_same = fine.name == coarse.name
    found = []
    for tag in fine.tags:
        prefix, dash, label = tag.partition("-")
        own = prefix if is_same or not dash else _COARSER[prefix]
        found.append(ids[f"{own}{dash}{label}"])
    return np.array(found, dtype=np.int64)
