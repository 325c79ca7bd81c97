import uuid

from django.db import migrations, models

# A value that was never there before, so that no rolled back change can be taken for another one. A sequence of the
# trigger's own statements, not of its rows: a bulk change gives one new value.
TRIGGER = """
    CREATE FUNCTION webhooks_endpoint_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO webhooks_endpointrevision (id, revision) VALUES (1, gen_random_uuid())
        ON CONFLICT (id) DO UPDATE SET revision = excluded.revision;
        RETURN NULL;
    END $$;
    CREATE TRIGGER webhooks_endpoint_changed
    AFTER INSERT OR DELETE OR TRUNCATE
        OR UPDATE OF owner_id, event_types, topics, content_filter, created_position, disabled_reason
    ON webhooks_endpoint FOR EACH STATEMENT EXECUTE FUNCTION webhooks_endpoint_changed();
    INSERT INTO webhooks_endpointrevision (id, revision) VALUES (1, gen_random_uuid());
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
                ("id", models.SmallAutoField(primary_key=True, serialize=False)),
                ("revision", models.UUIDField(default=uuid.uuid4)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="webhooks_one_revision"),
                ],
            },
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
        # What listens is held in memory and found there.
        migrations.RemoveIndex(model_name="endpoint", name="webhooks_endpoint_by_type"),
    ]
