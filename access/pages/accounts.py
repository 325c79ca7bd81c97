"""The pages on which people come in."""

from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.views.generic import FormView

from access.models import User


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
        """Make the user with all that belongs to one, then go home."""
        try:
            with transaction.atomic():
                user = form.save()
        except ValidationError as error:
            # What comes with a user, such as the feed of the same name, could not be made.
            form.add_error(None, error)
            return self.form_invalid(form)
        except IntegrityError:
            # Somebody took the name between the check and now.
            form.add_error("username", "This name is taken.")
            return self.form_invalid(form)
        login(self.request, user)
        return super().form_valid(form)
