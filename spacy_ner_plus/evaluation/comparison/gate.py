"""Whether a candidate may take the place of a baseline: a check for continuous integration."""

from dataclasses import dataclass

from .comparison_schema import ComparisonMetrics, Drop, GateResult, SumComparison

# A drop with a smaller p-value is significant.
LEVEL = 0.05
ROUNDING = 1e-9


@dataclass(frozen=True)
class Gate:
    """What the candidate must keep to. Points are percent points of F1.

    max_drop (float): Points that its micro F1 may be below the baseline's; None for any number.
    max_type_drop (float): The same for the F1 of each type; None for any number.
    min_support (int): Gold entities that a type must have to be looked at.
    significant (bool): Let drops pass that may be chance: with a p-value of LEVEL or more, which
        for types is the corrected one.
    """

    max_drop: float | None = None
    max_type_drop: float | None = None
    min_support: int = 20
    significant: bool = False

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return self.max_drop is None and self.max_type_drop is None


def judge_gate(comparison: ComparisonMetrics, gate: Gate) -> GateResult:
    """Hold a comparison against a gate.

    RETURNS (GateResult): The gate's settings, whether it is passed, and the drops that are larger
        than allowed, with whether each is failed or excused as not significant.
    RAISES ValueError: If there are no gold entities, so that everything would pass.
    """
    exact = comparison.exact
    if not exact.micro.a.support:
        raise ValueError(f"{comparison.data} has no gold entities, without which no gate can fail.")
    checks: list[tuple[str | None, SumComparison, float, float]] = []
    if gate.max_drop is not None:
        checks.append((None, exact.micro, exact.micro.p.f1, gate.max_drop))
    if gate.max_type_drop is not None:
        checks += [
            (label, its, its.p_corrected.f1, gate.max_type_drop)
            for label, its in exact.types.items()
            if its.a.support >= gate.min_support
        ]
    drops = [
        Drop(
            type=label,
            points=-100 * its.difference.f1,
            a=its.a.f1,
            b=its.b.f1,
            allowed=allowed,
            p=p,
            failed=p < LEVEL or not gate.significant,
        )
        for label, its, p, allowed in checks
        if -100 * its.difference.f1 > allowed + ROUNDING
    ]
    return GateResult(
        max_drop=gate.max_drop,
        max_type_drop=gate.max_type_drop,
        min_support=gate.min_support,
        significant=gate.significant,
        types=[label for label, *_ in checks if label is not None],
        passed=not any(drop.failed for drop in drops),
        drops=drops,
    )
