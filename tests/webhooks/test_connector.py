import pytest

from tests.webhooks.servers import OK, endpoint, post, transport
from webhooks.connector import MAX_ANSWER_BYTES

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 5000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 5000),
        (b"", b"\r\n" * 2500),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 200),
    ],
    ids=["chunk extension", "chunk size", "empty lines", "informational answers"],
)
async def test_a_flood_that_is_neither_header_nor_body_is_cut_off_long_before_the_deadline(start, more):
    written = [0]

    async def answer(writer):
        writer.write(start)
        while True:
            writer.write(more)
            await writer.drain()
            written[0] += len(more)

    async with endpoint(answer) as server:
        response = await post(server.url, total_seconds=30)
    assert (response.status_code, response.error) == (None, "The endpoint's answer is too large.")
    assert response.duration_ms < 15_000
    # What the system holds on both sides of a socket comes on top.
    assert written[0] < MAX_ANSWER_BYTES + 20_000_000


async def test_each_answer_on_a_kept_connection_is_counted_by_itself():
    padded = b"HTTP/1.1 200 OK\r\nX-Pad: " + b"x" * 4000 + b"\r\nContent-Length: 2\r\n\r\nok"
    async with endpoint(padded) as server, transport() as opened:
        for _ in range(MAX_ANSWER_BYTES // len(padded) + 10):
            assert (await opened.post(server.url, headers={}, body=b"")).status_code == 200
    assert server.connections == 1


async def test_a_second_answer_that_nobody_asked_for_is_not_taken_for_the_next_one():
    async with endpoint(OK + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n") as server, transport() as opened:
        for _ in range(3):
            assert (await opened.post(server.url, headers={}, body=b"{}")).status_code == 200
    assert server.connections == 3
