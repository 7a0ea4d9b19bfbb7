"""Messages in a terminal, in lines that are never broken: paths in them can be copied."""

from typing import Any

from wasabi import Printer
from wasabi.util import locale_escape

# Stands for the message while wasabi colours it.
_PLACE = "\0"


class UnbrokenPrinter(Printer):
    """wasabi's printer, whose own messages are broken at 80 columns, at blanks within paths too."""

    def text(
        self, title: Any = "", text: Any = "", *args: Any, no_print: bool = False, **settings: Any
    ) -> Any:
        """Print a message, or give it with no_print. Arguments are wasabi's."""
        is_given = no_print or self.no_print
        form = super().text(_PLACE, "", *args, no_print=True, **settings)
        if form is None:  # is not to be shown
            return None
        given = "\n".join(str(part) for part in (title, text) if part)
        message = form.replace(_PLACE, locale_escape(given))
        if is_given:
            return message
        print(message)
        return None


say = UnbrokenPrinter()
