import threading

import pytest
from django.db import IntegrityError, connection

from webhooks.models import Attempt, Delivery, Endpoint


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_is_deleted_with_an_attempt_that_is_just_being_recorded(endpoint, alice, deliver, other_connection):
    made = endpoint(alice)
    [delivery] = deliver("a")
    failed = []

    def delete():
        try:
            made.delete()
        except IntegrityError as error:
            failed.append(error)
        finally:
            connection.close()

    with other_connection() as other:
        other.execute("SELECT FROM webhooks_delivery WHERE id = %s FOR UPDATE", [delivery.pk])
        other.execute(
            "INSERT INTO webhooks_attempt (delivery_id, number, started_at, duration_ms, error, request_headers,"
            " response_headers, response_body) VALUES (%s, 1, now(), 1, '', '{}', '{}', '')",
            [delivery.pk],
        )
        thread = threading.Thread(target=delete)
        thread.start()
        # The statistics are as of the transaction's first look; the locks are as of now.
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while thread.is_alive() and not other.execute(waiting).fetchone()[0]:
            pass
        other.commit()
    thread.join(20)
    assert failed == []
    assert [model.objects.count() for model in (Endpoint, Delivery, Attempt)] == [0, 0, 0]
