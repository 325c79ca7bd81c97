import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from access.pages.posts import back, page_before

HERE = "http://testserver/webhooks/7/?status=failed#deliveries"


@pytest.mark.parametrize(
    ("referer", "path"),
    [(HERE, "/webhooks/7/?status=failed"), ("https://mallory.example/x", ""), ("javascript:alert(1)", ""), ("", "")],
)
def test_the_page_before_is_one_of_ours(referer, path):
    assert page_before(RequestFactory().get("/", headers={"Referer": referer})) == path


@pytest.mark.parametrize(
    ("said", "to"),
    [({"next": "/feeds/bob/"}, "/feeds/bob/"), ({"next": "https://mallory.example/"}, "/"), ({}, "/webhooks/7/")],
)
def test_a_form_goes_back_to_where_it_says_or_stood(said, to):
    request = RequestFactory().post("/x/", said, headers={"Referer": "http://testserver/webhooks/7/"})
    assert back(request) == to


FORMS = [
    ("welcome", {}),
    ("block-page", {"user_id": 1}),
    ("mute-page", {"user_id": 1}),
    ("inbox-read", {}),
    ("inbox-read-one", {"pk": 1}),
    ("developers-revoke", {"pk": 1}),
    ("developers-applications", {}),
    ("developers-delete", {"pk": 1}),
    ("entry-like-page", {"pk": 1}),
    ("endpoint-rotate-page", {"pk": 1}),
    ("endpoint-pause-page", {"pk": 1}),
    ("endpoint-resume-page", {"pk": 1}),
    ("endpoint-test-page", {"pk": 1}),
    ("endpoint-delete-page", {"pk": 1}),
    ("replay-cancel-page", {"pk": 1, "replay": 1}),
    ("delivery-resend-page", {"pk": 1}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "of"), FORMS)
def test_who_was_signed_out_comes_back_to_the_page_and_not_to_the_address_of_its_form(name, of):
    sent = Client().post(reverse(name, kwargs=of), headers={"Referer": "http://testserver/developers/"})
    assert sent["Location"] == "/accounts/login/?next=/developers/"
