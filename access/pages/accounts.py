"""The pages on which people come in, and what they do about each other."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.generic import FormView

from access import actions
from access.models import User
from access.pages.posts import back, signed_in_post


class SignUpForm(UserCreationForm):
    """A name and a password."""

    class Meta:
        model = User
        fields = ("username",)


class SignUp(FormView):
    """Makes a user and signs them in."""

    form_class = SignUpForm
    template_name = "accounts/signup.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        """Make the user with all that belongs to one, in the language of the page, then go home."""
        form.instance.language = get_language() or "en"
        try:
            with transaction.atomic():
                user = form.save()
        except ValidationError as error:
            # What comes with a user, such as the feed of the same name, could not be made.
            form.add_error(None, error)
            return self.form_invalid(form)
        except IntegrityError:
            # Somebody took the name between the check and now.
            form.add_error("username", _("This name is taken."))
            return self.form_invalid(form)
        login(self.request, user)
        return super().form_valid(form)


@signed_in_post
def block(request: HttpRequest, user_id: int) -> HttpResponse:
    """Block somebody, or block them no more: the form says which."""
    other = get_object_or_404(User, pk=user_id)
    if request.POST.get("on") == "1":
        _told(request, lambda: actions.block(request.user, other), _("%(name)s is blocked."), other)
    else:
        _told(request, lambda: actions.unblock(request.user, other.pk), _("%(name)s is not blocked any more."), other)
    return redirect(back(request))


@signed_in_post
def mute(request: HttpRequest, user_id: int) -> HttpResponse:
    """Mute somebody, or mute them no more: the form says which."""
    other = get_object_or_404(User, pk=user_id)
    if request.POST.get("on") == "1":
        _told(request, lambda: actions.mute(request.user, other), _("%(name)s is muted."), other)
    else:
        _told(request, lambda: actions.unmute(request.user, other.pk), _("%(name)s is not muted any more."), other)
    return redirect(back(request))


def _told(request: HttpRequest, act: Callable[[], Any], words: str, other: User) -> None:
    """Do something and say so on the next page, or say there why it could not be done."""
    try:
        act()
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, words % {"name": other.username})
