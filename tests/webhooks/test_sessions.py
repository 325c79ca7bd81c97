import threading

import pytest
from django.db import connection

from webhooks import sessions
from webhooks.sessions import Session

pytestmark = pytest.mark.django_db(transaction=True)


def backend():
    return threading.get_ident(), sessions.current().execute("SELECT pg_backend_pid()").fetchone()[0]


async def test_a_session_is_one_thread_with_a_connection_of_its_own_until_it_is_renewed():
    session = Session("test")
    thread, first = await session.do(backend)
    assert await session.do(backend) == (thread, first)
    await session.renew()
    again, second = await session.do(backend)
    assert (again, second == first) == (thread, False)
    assert thread != threading.get_ident()
    await session.close()


async def test_work_that_fails_says_so():
    session = Session("test")
    with pytest.raises(ZeroDivisionError):
        await session.do(lambda: 1 / 0)
    await session.close()


def test_statements_are_prepared_and_never_read_a_whole_table():
    raw = sessions.current()
    assert raw is connection.connection
    assert raw.prepare_threshold == 2
    assert raw.execute("SHOW enable_seqscan").fetchone()[0] == "off"
