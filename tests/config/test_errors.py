import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def words(response):
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("is_development", [True, False])
@pytest.mark.parametrize("path", ["/nothing/", "/entries/99/", "/feeds/nobody/"])
def test_what_is_not_there_is_said_in_our_words_also_to_who_tries_the_demo(client, settings, path, is_development):
    settings.DEBUG = is_development
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Nothing here" in words(answer) and "Go to the front page" in words(answer)


def test_an_address_without_its_slash_is_still_the_same_page(client, settings):
    settings.DEBUG = True
    assert client.get("/developers")["Location"] == "/developers/"


def test_the_address_of_a_form_says_what_it_is_and_leads_back(alice):
    client = Client()
    client.force_login(alice)
    answer = client.get("/welcome/", headers={"Referer": "http://testserver/feeds/alice/"})
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "only takes what a form sends" in words(answer) and 'href="/feeds/alice/"' in words(answer)


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/nothing/", "problem+json")])
def test_programs_are_answered_as_before(client, settings, path, kind):
    settings.DEBUG = True
    answer = client.get(path)
    assert (answer.status_code, kind in answer["Content-Type"]) == (404, True)


def test_a_method_that_the_api_does_not_take_is_a_problem_document(alice):
    client = Client()
    client.force_login(alice)
    answer = client.put("/api/v1/events/")
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
