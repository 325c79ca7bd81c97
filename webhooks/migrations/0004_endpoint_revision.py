import uuid

from django.db import migrations, models

# The values are random and never counted up, so that no change that was rolled back can be taken for another one.
TRIGGER = """
    CREATE FUNCTION webhooks_endpoint_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        free bigint;
    BEGIN
        SELECT id INTO free FROM webhooks_endpointrevision ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE webhooks_endpointrevision SET revision = gen_random_uuid() WHERE id = free;
        ELSE
            INSERT INTO webhooks_endpointrevision (revision) VALUES (gen_random_uuid());
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER webhooks_endpoint_changed
    AFTER INSERT OR DELETE OR TRUNCATE
        OR UPDATE OF owner_id, event_types, topics, content_filter, created_position, disabled_reason
    ON webhooks_endpoint FOR EACH STATEMENT EXECUTE FUNCTION webhooks_endpoint_changed();
    INSERT INTO webhooks_endpointrevision (revision) VALUES (gen_random_uuid());
"""
NO_TRIGGER = """
    DROP TRIGGER webhooks_endpoint_changed ON webhooks_endpoint;
    DROP FUNCTION webhooks_endpoint_changed();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("webhooks", "0003_endpoint_settings_replays"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndpointRevision",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("revision", models.UUIDField(default=uuid.uuid4)),
            ],
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
        # What listens is held in memory and found there.
        migrations.RemoveIndex(model_name="endpoint", name="webhooks_endpoint_by_type"),
    ]
