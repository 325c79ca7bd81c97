"""What was told so far becomes groups of one, closed, with the sentence as it was written."""

from django.db import migrations

FILL = """
    UPDATE notifications_notification AS old SET
        group_key = left(kind || ':' || subject_type || ':' || subject_id, 120), is_open = false, actor_count = 1,
        event_count = 1, changed_at = created_at, details = jsonb_build_object('text', text),
        people = jsonb_build_array(jsonb_build_object('id', actor_id, 'username', actor.username)),
        "within" = CASE WHEN subject_type = 'feed' THEN 'feeds/' || subject_id ELSE '' END
    FROM access_user AS actor WHERE actor.id = old.actor_id;

    INSERT INTO notifications_happening (recipient_id, source_event, kind, actor_id, notification_id, cause, at)
    SELECT recipient_id, source_event, kind, actor_id, id,
        CASE kind WHEN 'like' THEN 'likes/' || subject_id || '/' || actor_id
                  WHEN 'follow' THEN 'follows/' || subject_id || '/' || actor_id
                  WHEN 'follow_request' THEN 'requests/' || subject_id || '/' || actor_id ELSE '' END, created_at
    FROM notifications_notification;

    INSERT INTO notifications_participant (notification_id, actor_id, event_count, last_at)
    SELECT id, actor_id, 1, created_at FROM notifications_notification;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0002_groups'),
    ]

    operations = [
        migrations.RunSQL(FILL),
    ]
