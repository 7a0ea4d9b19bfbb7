"""`ner-plus explain`: why a pipeline with hand-written features decides as it does."""

from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ._errors import errors_as_messages

if TYPE_CHECKING:
    from ..pipeline.reason_types import StrongestWeights, TokenReasons

# How many features of a token are shown in its line.
_FEW = 6


def explain_cli(
    model: Annotated[str, typer.Argument(help="Name or folder of a trained pipeline")],
    text: Annotated[
        str | None, typer.Option(help="A text: why each of its tokens has the tag that it has")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help='A type to show, or "O"; repeatable. Without it and --text: all'),
    ] = None,
    n: Annotated[
        int, typer.Option("-n", "--number", help="Features and transitions of each type, at most")
    ] = 20,
    component: Annotated[str, typer.Option(help="Name of the component")] = "ner_plus",
) -> None:
    """Say why a pipeline with hand-written features decides as it does.

    Prints the strongest features and transitions of each type; for a text, each token's tag beside
    the next best one, and what each feature adds to the scores of both.
    """
    from .. import explain

    with errors_as_messages():
        found = explain(model, text=text, labels=label, n=n, component=component)
    for strongest in found.labels:
        _print_label(strongest)
    if text is not None:
        _print_tokens(found.tokens)
        _print_rules(found.rules)
        _print_entities(found.entities)


def _print_label(strongest: "StrongestWeights") -> None:
    msg.divider(strongest.label)
    weights = [*strongest.pro, *strongest.contra]
    rows = [(f"{one.weight:+.3f}", one.tag, one.feature) for one in weights]
    msg.table(rows, header=("Weight", "Tag", "Feature"), divider=True, aligns=("r", "l", "l"))
    pairs = [(f"{t.weight:+.3f}", f"{t.before} -> {t.after}") for t in strongest.transitions]
    msg.table(pairs, header=("Weight", "Transition"), divider=True, aligns=("r", "l"))


def _print_tokens(tokens: "list[TokenReasons]") -> None:
    rows = []
    for one in tokens:
        few = [f"{part.feature} {part.difference:+.2f}" for part in one.features[:_FEW]]
        rest = sum(part.difference for part in one.features[_FEW:])
        if len(one.features) > _FEW:
            few.append(f"{len(one.features) - _FEW} others {rest:+.2f}")
        rows.append(
            (
                one.text,
                f"{one.tag} {one.probability:.3f}",
                f"{one.other} {one.other_probability:.3f}",
                _difference(one.before, one.before_other),
                _difference(one.after, one.after_other),
                ", ".join(few),
            )
        )
    header = ("Token", "Tag", "Next best", "Before", "Behind", "Features, for the tag and against")
    msg.table(rows, header=header, divider=True, aligns=("l", "l", "l", "r", "r", "l"), max_col=300)


def _difference(own: float | None, other: float | None) -> str:
    """What a transition adds for the tag, beside what it would for the other."""
    if own is None or other is None:
        return ""
    return "forbidden" if other == float("-inf") else f"{own - other:+.2f}"


def _print_rules(hits: list[tuple[str, str, str, str]]) -> None:
    for text, label, kind, rule in hits:
        print(f"The rule {rule!r:.80} acts on {text!r}: {kind}, {label or 'any type'}")
    if hits:
        print("")


def _print_entities(entities: list[tuple[str, str, float | None]]) -> None:
    for text, label, probability in entities:
        shown = "" if probability is None else f"  {probability:.3f}"
        print(f"{text!r}  {label}{shown}")
    if not entities:
        print("No entity is found.")
