"""Forms on pages: whose POST is taken, and the page that each comes back to."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

View = Callable[..., HttpResponse]


def signed_in_post(view: View) -> View:
    """Let the POST of a signed-in user pass; who is not is asked to sign in, and comes back to the page.

    Not to the address of the form: who signs in comes by GET, which it does not take.
    """

    @require_POST
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(back(request))
        return view(request, *args, **kwargs)

    return wrapped


def back(request: HttpRequest) -> str:
    """Return the page that the form stood on; another site's address is not followed."""
    url = request.POST.get("next") or request.GET.get("next") or page_before(request)
    return url if url_has_allowed_host_and_scheme(url, allowed_hosts=None) else "/"


def page_before(request: HttpRequest) -> str:
    """Return the path of the page that the request came from, or an empty text when it was another site's."""
    url = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}):
        return ""
    return urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
