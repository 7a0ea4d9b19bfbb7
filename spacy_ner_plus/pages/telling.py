"""Messages in a terminal, in lines that are never broken: paths in them can be copied."""

from collections.abc import Mapping
from typing import Any

from wasabi import Printer
from wasabi.util import locale_escape

# Stands for the message while wasabi colours it.
_PLACE = "\0"


class UnbrokenPrinter(Printer):
    """wasabi's printer, whose own messages are broken at 80 columns, at blanks within paths too."""

    def text(  # as wasabi's
        self,
        title: Any = "",
        text: Any = "",
        color: str | int | None = None,
        bg_color: str | int | None = None,
        icon: str | None = None,
        spaced: bool = False,
        show: bool = True,
        no_print: bool = False,
        exits: int | None = None,
    ) -> Any:
        """Print a message, or give it with no_print. Arguments are wasabi's."""
        is_given = no_print or self.no_print
        form = super().text(
            _PLACE,
            color=color,
            bg_color=bg_color,
            icon=icon,
            spaced=spaced,
            show=show,
            no_print=True,
            exits=exits,
        )
        if form is None:  # is not to be shown
            return None
        given = "\n".join(str(part) for part in (title, text) if part)
        message = form.replace(_PLACE, locale_escape(given))
        if is_given:
            return message
        print(message)
        return None


say = UnbrokenPrinter()


def tell_refused(refused: Mapping[str, int]) -> None:
    """Say how many entities validators left out, if there are any. refused: Numbers by type."""
    if refused:
        numbers = ", ".join(f"{label} {n:,}" for label, n in sorted(refused.items()))
        print(locale_escape(f"Entities that validators refused: {numbers}"))


def tell_greedy(n_greedy: int) -> None:
    """Say how many groups of crossing spans were not decided in the best way, if there are any."""
    if n_greedy:
        print(
            f"Groups with too many crossing spans to find the best set: {n_greedy:,}. In these the "
            "most probable spans were taken first"
        )
