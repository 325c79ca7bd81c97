import pytest

from access.models import Grant
from events.models import DeclaredType, Outbox

PLACED = "orders.order.placed"
SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["total"],
    "additionalProperties": False,
}


@pytest.fixture
def placed(db):
    """A type of event that clients may publish."""
    return DeclaredType.objects.create(name=PLACED, summary="An order was placed.", schema=SCHEMA)


@pytest.fixture
def publisher(alice, placed):
    """alice, who may publish on orders.*, and nothing waits in the outbox."""
    Grant.objects.create(user=alice, topic="orders.*", right="publish")
    Outbox.objects.all().delete()
    return alice


@pytest.fixture
def order():
    """Write an event as a client does."""

    def make(total=7, **fields):
        return {"type": PLACED, "topic": "orders.1", "data": {"total": total}} | fields

    return make


@pytest.fixture
def waiting(db):
    """Return the published events that wait in the outbox."""
    return lambda: list(Outbox.objects.filter(type=PLACED).order_by("id"))
