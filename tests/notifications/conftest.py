from uuid import uuid4

import pytest

from notifications import actions
from notifications.kinds import Notice


@pytest.fixture
def notify():
    """Tell somebody of a like by somebody else."""

    def make(recipient, actor, *, source_event=None, kind="like", subject="9"):
        text = f"{actor.username} liked your entry"
        notice = Notice(kind, recipient.pk, actor.pk, "entry", subject, f"/entries/{subject}/", text)
        return actions.notify(notice, source_event=source_event or uuid4())

    return make
