from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0003_fill_groups'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='notification',
            name='actor',
        ),
        migrations.RemoveField(
            model_name='notification',
            name='source_event',
        ),
        migrations.RemoveField(
            model_name='notification',
            name='text',
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('recipient', 'group_key'), name='notifications_one_open_group'),
        ),
    ]
