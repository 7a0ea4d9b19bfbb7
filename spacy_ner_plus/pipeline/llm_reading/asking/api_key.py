"""The key of a server, which nobody is to see."""

import os

DEFAULT_VARIABLE = "OPENAI_API_KEY"
SUFFIX = "_API_KEY"
HIDDEN = "***"


class ApiKey:
    """A key in the environment. It is looked up when it is needed, and is not kept.

    variable (str): The variable's name. It must end in _API_KEY: a pipeline of a stranger may name
        any, and is not to send others to a server.
    RAISES ValueError: If it does not.
    """

    def __init__(self, variable: str = DEFAULT_VARIABLE) -> None:
        if not variable.endswith(SUFFIX):
            raise ValueError(
                f"key_variable = {variable!r} must end in {SUFFIX}, so that no other secret of the "
                "environment can be meant: put the key into a variable of such a name."
            )
        self.variable = variable

    def __repr__(self) -> str:
        return f"ApiKey({self.variable!r})"

    @property
    def is_set(self) -> bool:
        """Whether there is one."""
        return bool(self._value())

    def headers(self) -> dict[str, str]:
        """What a request needs of it; nothing if there is none, as servers on one's own may do.

        RAISES ValueError: If it can't be sent.
        """
        value = self._value()
        if not (value.isascii() and value.isprintable()):
            raise ValueError(
                f"The key in {self.variable} has line ends or is not ASCII: set it anew."
            )
        return {"Authorization": f"Bearer {value}"} if value else {}

    def hidden_in(self, text: str) -> str:
        """A text without the key: servers repeat it in their messages."""
        value = self._value()
        return text.replace(value, HIDDEN) if value else text

    def _value(self) -> str:
        return os.environ.get(self.variable, "").strip()
