"""The plain values of [training]: numbers, and what they may be."""

from typing import Any

from thinc.api import Config

# Whole numbers, with the least that each may be. 0 steps, epochs or patience stand for no limit.
LEAST = {
    "max_steps": 0,
    "max_epochs": -1,
    "patience": 0,
    "eval_frequency": 1,
    "accumulate_gradient": 1,
    "seed": 0,
}


def read_numbers(config: Config) -> None:
    """Put numbers in the place of numbers that are written as text, in the config itself."""
    training = config["training"]
    for name in (*LEAST, "dropout"):
        if isinstance(training.get(name), str):
            training[name] = _number(training[name])
    if type(training.get("dropout")) is int:  # spaCy takes floats alone; true is no number
        training["dropout"] = float(training["dropout"])


def _number(text: str) -> float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def check_values(training: dict[str, Any], name: str) -> None:
    """Look at the numbers of a config's interpolated [training].

    name (str): What the config is called.
    RAISES ValueError: If one is none, or out of range.
    """
    for setting, least in LEAST.items():
        value = training.get(setting, least)
        if value is None and setting == "seed":
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"{name}: [training] {setting} = {value!r} must be a whole number, {least} or more."
            )
    _check_dropout(training.get("dropout", 0.0), name)
    for score, weight in (training.get("score_weights") or {}).items():
        if not isinstance(weight, int | float | None):
            raise ValueError(
                f"{name}: [training.score_weights] {score} = {weight!r} must be a number, or null."
            )


def _check_dropout(dropout: Any, name: str) -> None:
    if isinstance(dropout, dict):  # a schedule
        return
    is_number = isinstance(dropout, int | float) and not isinstance(dropout, bool)
    if not is_number or not 0 <= dropout <= 1:
        raise ValueError(
            f"{name}: [training] dropout = {dropout!r} must be a number from 0 to 1, or a schedule."
        )
