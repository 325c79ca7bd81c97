from itertools import count
from uuid import uuid4

import pytest

from notifications import actions
from notifications.kinds import Notice


@pytest.fixture
def about():
    """Make a notice of a like by somebody, told to somebody else."""

    def make(recipient, actor, kind="like", subject="9", **fields):
        cause = f"{kind}s/{subject}/{actor and actor.pk}"
        name = actor.username if actor else ""
        where = ("entry", subject, f"/entries/{subject}/")
        return Notice(kind, recipient.pk, actor and actor.pk, name, *where, **{"cause": cause} | fields)

    return make


@pytest.fixture
def notify(about):
    """Tell somebody of a like by somebody else; without a subject, each of another one."""
    numbers = count(100)

    def make(recipient, actor, *, source_event=None, kind="like", subject=None, **fields):
        notice = about(recipient, actor, kind, subject or f"{next(numbers)}", **fields)
        return actions.notify(notice, source_event=source_event or uuid4())

    return make
