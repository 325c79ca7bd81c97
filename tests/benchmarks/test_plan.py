import pytest

from benchmarks.plan import Plan, masked


def test_each_connection_can_have_its_own_path():
    assert Plan(80, "/{}").at(81).request(7).startswith(b"GET /7 HTTP/1.1\r\nHost: 127.0.0.1:81\r\n")


@pytest.mark.parametrize("size", [0, 125, 126, 60_000])
def test_a_frame_of_any_length_is_masked(size):
    frame = masked("x" * size)
    assert frame.endswith(bytes(4) + b"x" * size)
    assert frame[0] == 0x81
    assert frame[1] == 0x80 | min(size, 126)
