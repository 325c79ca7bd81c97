"""Which URLs and addresses a webhook may go to: the public internet, and nothing that only we can reach."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import chain
from typing import NamedTuple, NoReturn

MAX_URL_LENGTH = 2000
DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK, PRIVATE = "a loopback address", "a private address"
DISGUISE = "an IPv4 address in disguise"
# Checked URLs are kept, so that an endpoint that gets many events is parsed once.
KEPT_URLS = 2048


class Block(NamedTuple):
    """A range of addresses that no webhook goes to; only loopback and private ones can be opened."""

    network: IPv4Network | IPv6Network
    name: str
    source: str


# The first match wins, so a range inside another stands before it.
# The module ipaddress knows is_private and is_global, but their answers differ between Python versions,
# and is_global is true for multicast, NAT64 and fec0::/10.
BLOCKS = tuple(
    Block(ip_network(network), name, source)
    for network, name, source in (
        ("0.0.0.0/8", "an unspecified address", "RFC 791"),
        ("10.0.0.0/8", PRIVATE, "RFC 1918"),
        ("100.64.0.0/10", "a carrier's shared address", "RFC 6598"),
        ("127.0.0.0/8", LOOPBACK, "RFC 1122"),
        ("168.63.129.16/32", "a cloud's metadata address", "Azure"),
        ("169.254.169.254/32", "a cloud's metadata address", "RFC 3927"),
        ("169.254.0.0/16", "a link-local address", "RFC 3927"),
        ("172.16.0.0/12", PRIVATE, "RFC 1918"),
        ("192.0.0.0/24", "an address for protocols", "RFC 6890"),
        ("192.0.2.0/24", "a documentation address", "RFC 5737"),
        ("192.31.196.0/24", "an AS112 address", "RFC 7535"),
        ("192.52.193.0/24", "a multicast tunnel address", "RFC 7450"),
        ("192.88.99.0/24", "a 6to4 relay address", "RFC 7526"),
        ("192.168.0.0/16", PRIVATE, "RFC 1918"),
        ("192.175.48.0/24", "an AS112 address", "RFC 7534"),
        ("198.18.0.0/15", "a benchmarking address", "RFC 2544"),
        ("198.51.100.0/24", "a documentation address", "RFC 5737"),
        ("203.0.113.0/24", "a documentation address", "RFC 5737"),
        ("224.0.0.0/4", "a multicast address", "RFC 5771"),
        ("255.255.255.255/32", "the broadcast address", "RFC 919"),
        ("240.0.0.0/4", "a reserved address", "RFC 1112"),
        ("::/128", "an unspecified address", "RFC 4291"),
        ("::1/128", LOOPBACK, "RFC 4291"),
        ("::/96", DISGUISE, "RFC 4291, IPv4-compatible"),
        ("::ffff:0:0:0/96", DISGUISE, "RFC 2765, IPv4-translated"),
        ("64:ff9b:1::/48", DISGUISE, "RFC 8215, local NAT64"),
        ("100::/64", "a discard address", "RFC 6666"),
        ("100:0:0:1::/64", "a dummy address", "RFC 9780"),
        ("2001::/32", DISGUISE, "RFC 4380, Teredo"),
        ("2001:2::/48", "a benchmarking address", "RFC 5180"),
        ("2001:3::/32", "a multicast tunnel address", "RFC 7450"),
        ("2001:4:112::/48", "an AS112 address", "RFC 7535"),
        ("2001:10::/28", "a hash, not an address", "RFC 4843, ORCHID"),
        ("2001:20::/28", "a hash, not an address", "RFC 7343, ORCHIDv2"),
        ("2001:30::/28", "a drone's tag", "RFC 9374"),
        ("2001::/23", "an address for protocols", "RFC 2928"),
        ("2001:db8::/32", "a documentation address", "RFC 3849"),
        ("2620:4f:8000::/48", "an AS112 address", "RFC 7534"),
        ("3fff::/20", "a documentation address", "RFC 9637"),
        ("5f00::/16", "a segment routing address", "RFC 9602"),
        ("fd00:42::42/128", "a cloud's metadata address", "Scaleway"),
        ("fd00:c1::a9fe:a9fe/128", "a cloud's metadata address", "Oracle"),
        ("fd00:ec2::/32", "a cloud's metadata address", "AWS"),
        ("fd20:ce::254/128", "a cloud's metadata address", "Google"),
        ("fc00::/7", PRIVATE, "RFC 4193"),
        ("fe80::/10", "a link-local address", "RFC 4291"),
        ("fec0::/10", "a site-local address", "RFC 3879"),
        ("ff00::/8", "a multicast address", "RFC 4291"),
    )
)
GLOBAL_UNICAST = IPv6Network("2000::/3")


class Carrier(NamedTuple):
    """A range of IPv6 addresses whose packets go to the IPv4 address inside, so many bits from the right."""

    network: IPv6Network
    shift: int
    source: str


# These are judged by what they carry: a host without IPv4 reaches an endpoint without IPv6 through NAT64.
# The forms that nobody needs to reach a server on the internet are among the blocks, whatever they carry:
# compatible, translated, Teredo, and NAT64 by a prefix of somebody's own network.
CARRIERS = (
    Carrier(IPv6Network("64:ff9b::/96"), 0, "RFC 6052, NAT64"),
    Carrier(IPv6Network("2002::/16"), 80, "RFC 3056, 6to4"),
)
# The right half of an ISATAP address (RFC 5214): a router of one's own may take its last 32 bits for an IPv4 address.
ISATAP, ISATAP_MASK = 0x00005EFE, 0xFCFFFFFF

# Closed beside the blocks by whoever runs the server.
_closed: tuple[Block, ...] = ()

_UNSAFE = re.compile(r"[^!-~]|\\")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<target>[^#]*)(?P<fragment>#.*)?")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# Resolvers read a name that ends like this as an IPv4 address: octal, hexadecimal or with parts left out.
_NUMERIC_END = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")


class RefusedURL(ValueError):
    """Says in a sentence for people why a webhook must not go there."""


@dataclass(frozen=True)
class CheckedURL:
    """A URL in the one spelling that was checked."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> str:
        """The same URL as text, whose host no parser can read in two ways."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


@lru_cache(maxsize=KEPT_URLS)
def check_url(url: str, *, allow_http: bool, allow_private: bool) -> CheckedURL:
    """Returns the parts of a URL whose text gives no reason against it, else raises RefusedURL."""
    if len(url) > MAX_URL_LENGTH:
        _refuse(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if _UNSAFE.search(url):
        _refuse(
            "The URL may hold only visible ASCII characters without backslashes: "
            "write others percent-encoded, and an international host name in its xn-- form."
        )
    parts = _URL.fullmatch(url)
    if parts is None:
        _refuse("The URL must be complete, such as https://example.com/hook.")
    scheme = parts["scheme"].lower()
    if scheme != "https" and not (scheme == "http" and allow_http):
        _refuse("The URL must begin with https://" + (" or http://." if allow_http else "."))
    if "@" in parts["authority"]:
        _refuse("The URL must not hold a user name or password.")
    if parts["fragment"] is not None:
        _refuse("The URL must not have a fragment (#): it would never be sent.")
    host, port = _host_and_port(parts["authority"], DEFAULT_PORTS[scheme])
    _check_host(host, allow_private)
    target = parts["target"]
    return CheckedURL(scheme, host, port, target if target.startswith("/") else "/" + target)


def close(networks: Iterable[str]) -> None:
    """Refuse these networks too, in this process; raises ValueError when one of them is none."""
    global _closed
    name, source = "an address that this server does not send to", "its settings"
    _closed = tuple(Block(ip_network(network), name, source) for network in networks)
    check_url.cache_clear()


def refusal(address: IPv4Address | IPv6Address | str, *, allow_private: bool) -> str | None:
    """Returns what kind of address it is when no connection may be made to it, None when one may."""
    try:
        judged = ip_address(address)
    except ValueError:
        return "not an IP address"
    if isinstance(judged, IPv4Address):
        return _refusal_of_ipv4(judged, allow_private)
    if judged.scope_id is not None:
        return "an address with a zone"
    if judged.ipv4_mapped:
        return _refusal_of_ipv4(judged.ipv4_mapped, allow_private)
    return _refusal_of_ipv6(judged, allow_private)


def _refusal_of_ipv4(address: IPv4Address, allow_private: bool) -> str | None:
    block = _block_of(address)
    return None if block is None or _is_opened(block, allow_private) else f"{block.name} ({block.source})"


def _refusal_of_ipv6(address: IPv6Address, allow_private: bool) -> str | None:
    if block := _block_of(address):
        return None if _is_opened(block, allow_private) else f"{block.name} ({block.source})"
    if carried := _carried(address):
        inside, source = carried
        # No network of one's own is reached in this way, so the setting opens nothing here.
        reason = _refusal_of_ipv4(inside, allow_private=False)
        return reason and f"{DISGUISE} ({source}): {reason}"
    return None if address in GLOBAL_UNICAST else "not a global unicast address (RFC 4291)"


def _carried(address: IPv6Address) -> tuple[IPv4Address, str] | None:
    number = int(address)
    for carrier in CARRIERS:
        if address in carrier.network:
            return IPv4Address(number >> carrier.shift & 0xFFFFFFFF), carrier.source
    if number >> 32 & ISATAP_MASK == ISATAP and address in GLOBAL_UNICAST:
        return IPv4Address(number & 0xFFFFFFFF), "RFC 5214, ISATAP"
    return None


def _block_of(address: IPv4Address | IPv6Address) -> Block | None:
    return next((block for block in chain(_closed, BLOCKS) if address in block.network), None)


def _is_opened(block: Block, allow_private: bool) -> bool:
    return allow_private and block.name in (LOOPBACK, PRIVATE)


def _host_and_port(authority: str, default_port: int) -> tuple[str, int]:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        _refuse("The host or the port of the URL is not valid.")
    port = default_port if parts["port"] is None else int(parts["port"])
    if not 1 <= port <= 65535:
        _refuse("The port must be between 1 and 65535.")
    host = parts["host"].lower()
    if not host:
        _refuse("The URL has no host.")
    return (_ipv6(host[1:-1]) if host.startswith("[") else host), port


def _ipv6(text: str) -> str:
    if "%" in text:
        _refuse("An IPv6 address must not have a zone.")
    try:
        return str(IPv6Address(text))
    except ValueError:
        _refuse("The IPv6 address is not valid.")


def _check_host(host: str, allow_private: bool) -> None:
    if ":" in host or _NUMERIC_END.search(host):
        _check_address(host, allow_private)
        return
    if host.endswith("."):
        _refuse("The host name must not end with a dot.")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        _refuse("The host name is not valid.")
    if not allow_private and (host == "localhost" or host.endswith(".localhost")):
        _refuse(f"{host} is this machine itself.")


def _check_address(host: str, allow_private: bool) -> None:
    if ":" not in host:
        try:
            IPv4Address(host)
        except ValueError:
            _refuse("An IPv4 address must be written as four plain decimal numbers.")
    if reason := refusal(host, allow_private=allow_private):
        _refuse(f"{host} is {reason}.")


def _refuse(reason: str) -> NoReturn:
    raise RefusedURL(reason)
