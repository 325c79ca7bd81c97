"""What ends or gives rights is recorded on the topic of the user whose rights they are."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver
from django.utils import timezone

from access import event_types as types
from access import payloads, signals
from access.models import ApiKey, Block, Grant, Mute, User
from events.actions import record


@receiver(post_delete, sender=Session)
def tell_the_end_of_a_session(sender, instance, **kwargs):
    # Signing out deletes the row. What had expired has ended by the clock, and nobody's session ends no right.
    user_id = instance.get_decoded().get(SESSION_KEY)
    if user_id is not None and instance.expire_date > timezone.now():
        signals.session_ended.send(Session, user_id=int(user_id))


@receiver(post_delete, sender=ApiKey)
def tell_the_end_of_a_key(sender, instance, **kwargs):
    if instance.revoked_at is None:
        signals.key_revoked.send(ApiKey, key=instance)


@receiver(post_delete, sender=User)
def tell_the_end_of_a_user(sender, instance, **kwargs):
    if instance.is_active:
        instance.is_active = False
        signals.user_deactivated.send(User, user=instance)


# Before it is deleted: with its application goes the way to whom it concerned.
@receiver(pre_delete, sender=Grant)
def tell_the_end_of_a_grant(sender, instance, **kwargs):
    if instance.revoked_at is None:
        instance.revoked_at = timezone.now()
        signals.grant_revoked.send(Grant, grant=instance)


@receiver(post_delete, sender=Block)
def tell_the_end_of_a_block(sender, instance, **kwargs):
    signals.user_unblocked.send(Block, block=instance)


@receiver(post_delete, sender=Mute)
def tell_the_end_of_a_mute(sender, instance, **kwargs):
    signals.user_unmuted.send(Mute, mute=instance)


@receiver(signals.session_ended)
def record_session_ended(sender, user_id, **kwargs):
    _record(types.SESSION_ENDED, user_id, f"users/{user_id}", {"user": {"id": user_id}})


@receiver(signals.user_deactivated)
def record_user_deactivated(sender, user, **kwargs):
    _record(types.USER_DEACTIVATED, user.pk, f"users/{user.pk}", {"user": payloads.user(user)})


@receiver(signals.user_reactivated)
def record_user_reactivated(sender, user, **kwargs):
    _record(types.USER_REACTIVATED, user.pk, f"users/{user.pk}", {"user": payloads.user(user)})


@receiver(signals.key_revoked)
def record_key_revoked(sender, key, **kwargs):
    _record(types.KEY_REVOKED, key.user_id, f"keys/{key.pk}", {"key": payloads.key(key)})


@receiver(signals.grant_created)
def record_grant_created(sender, grant, **kwargs):
    _record(types.GRANT_CREATED, grant.holder_id, f"grants/{grant.pk}", {"grant": payloads.grant(grant)})


@receiver(signals.grant_revoked)
def record_grant_revoked(sender, grant, **kwargs):
    _record(types.GRANT_REVOKED, grant.holder_id, f"grants/{grant.pk}", {"grant": payloads.grant(grant)})


@receiver(signals.user_blocked)
def record_user_blocked(sender, block, **kwargs):
    _record_relation(types.USER_BLOCKED, block.blocker_id, block.blocked_id, {"block": payloads.block(block)})


@receiver(signals.user_unblocked)
def record_user_unblocked(sender, block, **kwargs):
    data = {"block": payloads.ended_block(block)}
    _record_relation(types.USER_UNBLOCKED, block.blocker_id, block.blocked_id, data)


@receiver(signals.user_muted)
def record_user_muted(sender, mute, **kwargs):
    _record_relation(types.USER_MUTED, mute.muter_id, mute.muted_id, {"mute": payloads.mute(mute)})


@receiver(signals.user_unmuted)
def record_user_unmuted(sender, mute, **kwargs):
    _record_relation(types.USER_UNMUTED, mute.muter_id, mute.muted_id, {"mute": payloads.ended_mute(mute)})


def _record_relation(event_type, user_id, other_id, data) -> None:
    _record(event_type, user_id, f"users/{other_id}", data)


def _record(event_type, user_id, subject, data) -> None:
    record(event_type, topic=f"users.{user_id}", subject=subject, data=data)
