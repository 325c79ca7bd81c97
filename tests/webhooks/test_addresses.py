from ipaddress import IPv6Address, ip_address

import pytest

from webhooks.addresses import BLOCKS, MAX_URL_LENGTH, RefusedURL, check_url, close, refusal

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b::101:101",
    "2002:808:808::1",
    "2002:101:101:ffff::1",
    "2606:4700::5efe:808:808",
]
OPENED_BY_SETTING = [
    "10.0.0.0",
    "10.255.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fdff:ffff::1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:c0a8:1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::2",
    "::a00:1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:0.0.0.0",
    "::ffff:169.254.169.254",
    "::ffff:100.64.0.1",
    "::ffff:224.0.0.1",
    "::ffff:0:127.0.0.1",
    "::ffff:0:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "64:ff9b:1::808:808",
    "100::1",
    "100:0:0:1::1",
    "64:ff9b::",
    "64:ff9b::10.0.0.1",
    "64:ff9b::192.168.0.1",
    "64:ff9b::100.64.0.1",
    "64:ff9b::224.0.0.1",
    "64:ff9b::0:1:808:808",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:3::1",
    "2001:4:112::1",
    "2001:10::1",
    "2001:20::1",
    "2001:30::1",
    "2001:1ff::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002::1",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:1::1",
    "2002:6440:1::1",
    "2002:e000:1::1",
    "2001:470::5efe:a00:1",
    "2606:4700::200:5efe:a9fe:a9fe",
    "2606:4700::300:5efe:7f00:1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fd00:42::42",
    "fd00:c1::a9fe:a9fe",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_open(address, allow_private):
    assert refusal(address, allow_private=allow_private) is None


@pytest.mark.parametrize("address", OPENED_BY_SETTING)
def test_loopback_and_private_addresses_are_opened_by_the_setting_alone(address):
    assert refusal(address, allow_private=False)
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("address", NEVER)
def test_a_special_address_is_never_open(address, allow_private):
    assert refusal(address, allow_private=allow_private)


# What the standard library says of each is in brackets: is_private, is_global, on the Pythons that differ least.
HOLES_OF_THE_STANDARD_LIBRARY = [
    "100.64.0.1",  # (False, False)
    "192.88.99.1",  # (False, True), a 6to4 relay
    "192.31.196.1",  # (False, True), AS112
    "192.52.193.1",  # (False, True)
    "192.175.48.1",  # (False, True), AS112
    "224.0.0.1",  # (False, True), multicast
    "ff02::1",  # (False, True), multicast
    "ff0e::1",  # (False, True), multicast
    "64:ff9b::a9fe:a9fe",  # (False, True), NAT64 of a cloud's metadata
    "64:ff9b::7f00:1",  # (False, True)
    "64:ff9b:1::1",  # is_private is False until 3.12.1
    "2002:a9fe:a9fe::1",  # is_private is False until 3.12.1, 6to4 of a cloud's metadata
    "2002:7f00:1::1",
    "3fff::1",  # documentation, unknown to older ones
    "5f00::1",  # segment routing
    "fec0::1",  # (False, True), site-local
    "::a00:1",  # (False, True), compatible with 10.0.0.1
    "::127.0.0.1",
    "::ffff:0:7f00:1",  # translated
    "2001:470::5efe:a00:1",  # ISATAP of 10.0.0.1
    "168.63.129.16",  # (False, True), Azure's metadata
]


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("address", HOLES_OF_THE_STANDARD_LIBRARY)
def test_what_the_standard_library_takes_for_public_is_refused(address, allow_private):
    assert refusal(address, allow_private=allow_private)


@pytest.mark.parametrize("inside", [block for block in BLOCKS if block.network.version == 4], ids=str)
def test_no_ipv4_block_is_reached_by_an_ipv6_address_that_carries_it(inside):
    for ipv4 in (int(inside.network[0]), int(inside.network[-1])):
        for carrying in (
            0xFFFF << 32 | ipv4,
            ipv4,
            0xFFFF << 48 | ipv4,
            0x64FF9B << 96 | ipv4,
            0x64FF9B0001 << 80 | ipv4,
            0x2002 << 112 | ipv4 << 80 | 1,
            0x2001 << 112 | ipv4 << 64 | 0x0808_0808,
            0x2001 << 112 | 0x0808_0808 << 64 | (ipv4 ^ 0xFFFFFFFF),
            0x26064700 << 96 | 0x5EFE << 32 | ipv4,
            0x26064700 << 96 | 0x02005EFE << 32 | ipv4,
        ):
            assert refusal(IPv6Address(carrying), allow_private=False), IPv6Address(carrying)


def test_what_is_carried_is_named_and_the_setting_opens_none_of_it():
    for allow_private in (False, True):
        reason = refusal("64:ff9b::10.0.0.1", allow_private=allow_private)
        assert reason == "an IPv4 address in disguise (RFC 6052, NAT64): a private address (RFC 1918)"


def test_a_url_that_was_refused_once_is_refused_again():
    for _ in range(2):
        with pytest.raises(RefusedURL):
            check_url("https://10.0.0.1/", allow_http=True, allow_private=False)
        assert check_url("https://10.0.0.1/", allow_http=True, allow_private=True)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_each_block_is_refused_from_its_first_address_to_its_last(block):
    assert refusal(block.network[0], allow_private=False)
    assert refusal(block.network[-1], allow_private=False)


def test_each_block_is_named_by_itself_where_no_block_before_it_lies():
    for number, block in enumerate(BLOCKS):
        hidden = any(
            block.network.version == before.network.version and block.network.subnet_of(before.network)
            for before in BLOCKS[:number]
        )
        assert not hidden, block


def test_address_objects_are_judged_like_text():
    assert refusal(ip_address("10.0.0.1"), allow_private=False) == "a private address (RFC 1918)"
    assert refusal(IPv6Address("::ffff:10.0.0.1"), allow_private=False) == "a private address (RFC 1918)"


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0177.0.0.1", "1.2.3.4/32", "[::1]", "\uff11.1.1.1"])
def test_what_is_not_an_address_is_refused(text):
    assert refusal(text, allow_private=True) == "not an IP address"


@pytest.mark.parametrize(
    ("url", "parts", "normal"),
    [
        ("https://example.com", ("https", "example.com", 443, "/"), "https://example.com/"),
        (
            "HTTPS://Example.COM:443/A?b=C",
            ("https", "example.com", 443, "/A?b=C"),
            "https://example.com/A?b=C",
        ),
        (
            "https://example.com:8443?a=@",
            ("https", "example.com", 8443, "/?a=@"),
            "https://example.com:8443/?a=@",
        ),
        ("http://a_b.example/%2e%7E", ("http", "a_b.example", 80, "/%2e%7E"), "http://a_b.example/%2e%7E"),
        ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443, "/"), None),
        ("https://8.8.8.8:1/", ("https", "8.8.8.8", 1, "/"), None),
        (
            "https://[2606:4700:4700:0::1111]:65535/",
            ("https", "2606:4700:4700::1111", 65535, "/"),
            "https://[2606:4700:4700::1111]:65535/",
        ),
        ("https://0x7f.example/", ("https", "0x7f.example", 443, "/"), None),
    ],
)
def test_a_good_url_is_parted_and_spelled_in_one_way(url, parts, normal):
    checked = check_url(url, allow_http=True, allow_private=False)
    assert (checked.scheme, checked.host, checked.port, checked.target) == parts
    assert checked.url == (normal or url)
    assert check_url(checked.url, allow_http=True, allow_private=False) == checked


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "complete"),
        ("example.com/hook", "complete"),
        ("//example.com", "complete"),
        ("https:/example.com", "complete"),
        ("javascript:alert(1)", "complete"),
        ("ftp://example.com", "begin with https:// or http://"),
        ("file:///etc/passwd", "begin with"),
        ("unix://socket", "begin with"),
        ("https://user:pass@example.com", "user name"),
        ("https://@example.com", "user name"),
        ("https://example.com@127.0.0.1", "user name"),
        ("https://example.com%40x@10.0.0.1/", "user name"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://:443/", "no host"),
        ("https://?x", "no host"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com#", "fragment"),
        ("https://example.com:0/", "port"),
        ("https://example.com:65536/", "port"),
        ("https://example.com:999999/", "port"),
        ("https://example.com:/", "port"),
        ("https://example.com:-1/", "port"),
        ("https://example.com:80:80/", "port"),
        ("https://example.com:http/", "port"),
        ("https://2606:4700::1/", "port"),
        (" https://example.com", "visible ASCII"),
        ("https://example.com/a b", "visible ASCII"),
        ("https://exam\tple.com", "visible ASCII"),
        ("https://example.com\r\nHost: x", "visible ASCII"),
        ("https://example.com/\x00", "visible ASCII"),
        ("https://example.com/\x7f", "visible ASCII"),
        ("https://example.com\\@127.0.0.1/", "visible ASCII"),
        ("https://bücher.example/", "xn--"),
        ("https://\uff11\uff12\uff17.0.0.1/", "xn--"),
        ("https://127。0。0。1/", "xn--"),
        ("https://example.com/\ud800", "visible ASCII"),
        ("https://0x7f.1/", "four plain decimal"),
        ("https://0X7F000001/", "four plain decimal"),
        ("https://2130706433/", "four plain decimal"),
        ("https://0177.0.0.1/", "four plain decimal"),
        ("https://127.1/", "four plain decimal"),
        ("https://127.0.0.0x1/", "four plain decimal"),
        ("https://1.2.3.4.5/", "four plain decimal"),
        ("https://256.1.1.1/", "four plain decimal"),
        ("https://0/", "four plain decimal"),
        ("https://[fe80::1%25eth0]/", "zone"),
        ("https://[::1/", "port"),
        ("https://[]/", "IPv6"),
        ("https://[v1.x]/", "IPv6"),
        ("https://[127.0.0.1]/", "IPv6"),
        ("https://[::ffff:1.2.3]/", "IPv6"),
        ("https://example.com./", "end with a dot"),
        ("https://127.0.0.1./", "end with a dot"),
        ("https://.example.com/", "host name is not valid"),
        ("https://a..b/", "host name is not valid"),
        ("https://-a.example/", "host name is not valid"),
        ("https://a*.example/", "host name is not valid"),
        ("https://ex%61mple.com/", "host name is not valid"),
        ("https://127.0.0.1%00.example.com/", "host name is not valid"),
        ("https://" + "a" * 64 + ".example/", "host name is not valid"),
        ("https://" + "a." * 127 + "example/", "host name is not valid"),
        ("https://example.com/" + "a" * MAX_URL_LENGTH, "longer than 2000"),
        ("https://169.254.169.254/latest", "metadata"),
        ("https://[fd00:ec2::254]/", "metadata"),
        ("https://0.0.0.0/", "unspecified"),
        ("https://[::]/", "unspecified"),
        ("https://[64:ff9b::7f00:1]/", "disguise .RFC 6052, NAT64.: a loopback"),
        ("https://[2002:a9fe:a9fe::]/", "disguise .RFC 3056, 6to4.: a cloud's metadata"),
        ("https://[64:ff9b:1::808:808]/", "disguise .RFC 8215, local NAT64."),
        ("https://[::8.8.8.8]/", "disguise .RFC 4291, IPv4-compatible."),
        ("https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "disguise .RFC 4380, Teredo."),
        ("https://[::ffff:a9fe:a9fe]/", "metadata"),
        ("https://[::ffff:7f00:1%25lo]/", "zone"),
        ("https://[::ffff:7f00:1%lo]/", "zone"),
        ("https://127.0.0.1.:443/", "end with a dot"),
        ("https://127.0.0.1:0/", "port"),
        ("https://127.0.0.1:65536/", "port"),
        ("https://127.0.0.1:+80/", "port"),
        ("https://127.0.0.1:\u0668\u0660/", "visible ASCII"),
        ("https://0x7f.0.0.1/", "four plain decimal"),
        ("https://0X7F.0X0.0X0.0X1/", "four plain decimal"),
        ("https://017700000001/", "four plain decimal"),
        ("https://127.0.1/", "four plain decimal"),
        ("https://00127.0.0.1/", "four plain decimal"),
        ("https://0x/", "four plain decimal"),
        ("https://example.0x7f/", "four plain decimal"),
        ("https://127.0.0.1\t/", "visible ASCII"),
        ("https://127.0.0.1\n.example.com/", "visible ASCII"),
        ("https:\\\\127.0.0.1/", "visible ASCII"),
        ("https://127.0.0.1\\.example.com/", "visible ASCII"),
        ("https://example.com:443@127.0.0.1/", "user name"),
        ("https://127.0.0.1:80@example.com/", "user name"),
        ("https://[::1]@example.com/", "user name"),
        ("https://[::1].example.com/", "port"),
        ("https://a[::1]/", "port"),
        ("https://[::1]x/", "port"),
        ("https://ⓔⓧⓐⓜⓟⓛⓔ.com/", "xn--"),
        ("https://127\uff0e0\uff0e0\uff0e1/", "xn--"),
        ("https://%31%32%37.0.0.1/", "four plain decimal"),
        ("https://127.0.0.1;.example.com/", "host name is not valid"),
        ("https://127.0.0.1,example.com/", "host name is not valid"),
        ("https://example.com$127.0.0.1/", "four plain decimal"),
        ("https://[0000:0000:0000:0000:0000:ffff:a9fe:a9fe]/", "metadata"),
    ],
)
def test_a_bad_url_is_refused_with_its_reason_whatever_is_allowed(url, reason):
    with pytest.raises(RefusedURL, match=reason):
        check_url(url, allow_http=True, allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://LOCALHOST:8000/",
        "https://app.localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[fd12::1]/",
        "https://[0000:0000:0000:0000:0000:ffff:7f00:0001]/",
    ],
)
def test_our_own_network_is_opened_by_the_setting_alone(url):
    with pytest.raises(RefusedURL):
        check_url(url, allow_http=False, allow_private=False)
    assert check_url(url, allow_http=False, allow_private=True)


def test_plain_http_can_be_forbidden():
    assert check_url("http://example.com/", allow_http=True, allow_private=False).port == 80
    with pytest.raises(RefusedURL, match=r"begin with https://\.$"):
        check_url("http://example.com/", allow_http=False, allow_private=False)


def test_a_url_of_exactly_the_greatest_length_is_taken():
    url = "https://example.com/".ljust(MAX_URL_LENGTH, "a")
    assert check_url(url, allow_http=False, allow_private=False).url == url


@pytest.fixture
def closed():
    """Two networks that are closed by a setting, for one test."""
    assert check_url("https://9.9.9.9/", allow_http=False, allow_private=False)
    close(["9.9.9.0/24", "2620:fe::/48", "127.0.0.64/26"])
    yield
    close([])
    assert check_url("https://9.9.9.9/", allow_http=False, allow_private=False)


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize(
    "address", ["9.9.9.9", "2620:fe::9", "127.0.0.65", "::ffff:9.9.9.9", "64:ff9b::9.9.9.9", "2002:909:909::1"]
)
def test_more_networks_can_be_closed_whatever_is_opened(closed, address, allow_private):
    assert "an address that this server does not send to (its settings)" in refusal(
        address, allow_private=allow_private
    )
    with pytest.raises(RefusedURL, match="does not send to"):
        host = f"[{address}]" if ":" in address else address
        check_url(f"https://{host}/", allow_http=False, allow_private=allow_private)
    assert refusal("9.9.8.8", allow_private=allow_private) is None


@pytest.mark.parametrize("text", ["x", "9.9.9.9/24", "9.9.9.0/33", ""])
def test_what_is_no_network_cannot_be_closed(text):
    with pytest.raises(ValueError, match=r"network|host bits|address"):
        close([text])
    assert refusal("9.9.9.9", allow_private=False) is None
