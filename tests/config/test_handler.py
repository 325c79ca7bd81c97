import threading
from asyncio import current_task

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpResponse
from django.urls import path
from servestatic.middleware import ServeStaticMiddleware

from config.handler import Handler, static_files

walked = []


def note(request):
    walked.append(threading.get_ident())


async def waits(request):
    walked.append(current_task() is not None and threading.get_ident())
    return HttpResponse("waited")


def answers(request):
    note(request)
    return HttpResponse("answered")


def noting(get_response):
    def middleware(request):
        note(request)
        response = get_response(request)
        note(request)
        return response

    return middleware


urlpatterns = [path("page/", answers), path("wait/", waits)]


@pytest.fixture
def handler(settings):
    walked.clear()
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.noting", "config.handler.static_files", f"{__name__}.noting"]
    settings.TIDEWIRE_ASYNC_PATHS = ("/wait/",)
    return Handler()


async def ask(handler, path):
    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"localhost")], "query_string": b""}
    there = ApplicationCommunicator(handler, scope)
    await there.send_input({"type": "http.request"})
    start, body = await there.receive_output(5), await there.receive_output(5)
    await there.wait(5)
    return start["status"], body["body"]


async def test_a_page_is_answered_in_one_thread_that_is_not_the_loop_s(handler):
    assert await ask(handler, "/page/") == (200, b"answered")
    assert len(walked) == 5 and len(set(walked)) == 1
    assert threading.get_ident() not in walked


async def test_what_waits_does_so_without_a_thread(handler):
    assert await ask(handler, "/wait/") == (200, b"waited")
    assert walked[2] == threading.get_ident()


async def test_what_is_not_there_is_an_answer_too(handler):
    status, _ = await ask(handler, "/nowhere/")
    assert status == 404


def test_static_files_are_served_where_no_thread_is_taken():
    async def onward(request):
        return HttpResponse()

    assert isinstance(static_files(onward), ServeStaticMiddleware)
    assert static_files(answers) is answers
