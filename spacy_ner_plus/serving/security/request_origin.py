"""Which names a server answers to, and which pages may ask it.

A page of somebody else, open in a browser on this machine, can reach a server here: by a name of
its own that it points to this machine (DNS rebinding), or by requests whose answers it can't read
(forged ones). The first have another Host, the second an Origin that is not ours.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?")
_PORTS = {"http": "80", "https": "443"}
ANY = "*"


class HostRule:
    """The names that requests may be for.

    Numbers (127.0.0.1, [::1]) and localhost are always right: nobody can point them elsewhere.

    names (Iterable[str]): Further ones; "*" for all.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {name.lower().rstrip(".") for name in names} | {"localhost"}

    def accepts(self, host: str) -> bool:
        """Whether a Host header is one of ours."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].lower().rstrip(".")
        return ANY in self._names or name in self._names or is_number(name)


def is_own(origin: str, host: str) -> bool:
    """Whether an Origin header is of a page that this server gave: of the same Host.

    Its scheme is not known behind a proxy, so a port that is left out may be either one's.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    its, ours = _HOST.fullmatch(parts.netloc), _HOST.fullmatch(host)
    if parts.scheme not in _PORTS or its is None or ours is None:
        return False
    default = _PORTS[parts.scheme]
    return its[1].lower() == ours[1].lower() and (its[2] or default) == (ours[2] or default)


def is_number(name: str) -> bool:
    """Whether a host is an IP address."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches a server that listens there."""
    if host == "localhost":
        return True
    return is_number(host) and ipaddress.ip_address(host.strip("[]")).is_loopback
