"""Whether a host name leads to where no webhook goes: asked when an endpoint is made, and by itself at every try."""

import socket
from collections.abc import Callable
from concurrent.futures import Future
from ipaddress import ip_address
from threading import BoundedSemaphore, Thread
from typing import Any

from webhooks import addresses

DEADLINE_SECONDS = 3.0
# A name server that hangs may take so many threads of a process, never all that answer requests.
LOOK_UPS = 4

GetAddrInfo = Callable[..., list[tuple[Any, ...]]]

resolver: GetAddrInfo = socket.getaddrinfo

# A name that is there without an address has an error of its own where the platform knows one.
_UNKNOWN = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_places = BoundedSemaphore(LOOK_UPS)


def refusal(
    host: str, *, allow_private: bool, must_be_known: bool = True, deadline_seconds: float = DEADLINE_SECONDS
) -> str | None:
    """Return in a sentence why no webhook can go to this host, None when one can or the answer does not come in time.

    It spares people an endpoint that never gets anything; what is safe is decided at each try, by its own look-up.
    Behind a proxy, which looks names up itself, or on a machine without a network a name need not be known here.
    """
    if _is_address(host) or not _places.acquire(blocking=False):
        return None
    try:
        answers = _look_up(host, _places).result(deadline_seconds)
    except TimeoutError:
        return None
    except OSError as error:
        unknown = isinstance(error, socket.gaierror) and error.errno in _UNKNOWN
        return f"The host name {host} is not known: no address belongs to it." if unknown and must_be_known else None
    for *_, address in answers:
        if reason := addresses.refusal(address[0], allow_private=allow_private):
            # The address itself is left out: it would tell strangers what our own name servers know.
            return f"The host name leads to {reason}."
    return None


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _look_up(host: str, places: BoundedSemaphore) -> "Future[list[tuple[Any, ...]]]":
    future: Future[list[tuple[Any, ...]]] = Future()

    def run() -> None:
        try:
            answers = resolver(host, None, type=socket.SOCK_STREAM)
        except Exception as error:  # noqa: BLE001  whoever waits for the answer gets it
            places.release()
            future.set_exception(error)
        else:
            places.release()
            future.set_result(answers)

    # A look-up cannot be cancelled; as a daemon it does not keep a process that ends.
    Thread(target=run, name="webhook-host", daemon=True).start()
    return future
