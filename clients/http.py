"""What the transports over plain HTTP share: a session with the client's credentials, and refusals."""

import aiohttp

from clients.live import Credentials, Refused


def session(credentials: Credentials) -> aiohttp.ClientSession:
    """Return a session that shows the credentials and waits for as long as it takes."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    return aiohttp.ClientSession(headers=credentials.headers, timeout=timeout)


async def refusal(response: aiohttp.ClientResponse) -> Refused:
    """Return what a problem document says, as an exception."""
    try:
        problem = await response.json(content_type=None)
        return Refused(problem["code"], problem.get("detail", ""), response.status)
    except (ValueError, KeyError, TypeError):
        return Refused("refused", response.reason or "", response.status)
