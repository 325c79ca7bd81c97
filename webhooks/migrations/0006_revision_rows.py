from django.db import migrations, models

# Who finds the row held by another transaction takes the next one, so that changes of endpoints wait for none.
FUNCTION = """
    CREATE OR REPLACE FUNCTION webhooks_endpoint_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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
    -- The one row was given its id; the next is to be another.
    SELECT setval(pg_get_serial_sequence('webhooks_endpointrevision', 'id'), 1);
"""
BEFORE = """
    DELETE FROM webhooks_endpointrevision WHERE id <> 1;
    CREATE OR REPLACE FUNCTION webhooks_endpoint_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO webhooks_endpointrevision (id, revision) VALUES (1, gen_random_uuid())
        ON CONFLICT (id) DO UPDATE SET revision = excluded.revision;
        RETURN NULL;
    END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ("webhooks", "0005_retired_secret_by_end"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="endpointrevision", name="webhooks_one_revision"),
        migrations.AlterField(
            model_name="endpointrevision",
            name="id",
            field=models.BigAutoField(primary_key=True, serialize=False),
        ),
        migrations.RunSQL(FUNCTION, BEFORE),
    ]
