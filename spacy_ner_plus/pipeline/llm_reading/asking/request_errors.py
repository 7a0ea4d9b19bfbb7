"""What goes wrong with requests, and what may be done about it."""


class RequestError(ValueError):
    """A request without an answer.

    message (str): What is wrong, and what to do.
    may_pass (bool): Whether the same request may be answered later.
    wait (float): After how many seconds the server wants it again, if it says so.
    status (int): The server's, if it is one that is no success.
    """

    def __init__(
        self,
        message: str,
        *,
        may_pass: bool = False,
        wait: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.may_pass = may_pass
        self.wait = wait
        self.status = status


class ServerError(ValueError):
    """No request will be answered: the key is refused, there is no such model, nobody is there."""


class BudgetError(ValueError):
    """What may be spent is spent."""
