from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from access import actions, relations
from access.models import Block, Mute


def test_a_block_stands_between_two_users_either_way(alice, bob, carol):
    actions.block(alice, bob)
    assert relations.are_apart(alice.pk, bob.pk) and relations.are_apart(bob.pk, alice.pk)
    assert not relations.are_apart(alice.pk, carol.pk) and not relations.are_apart(alice.pk, alice.pk)
    with pytest.raises(PermissionDenied):
        relations.check_not_blocked(alice.pk, by=bob.pk)
    relations.check_not_blocked(alice.pk, by=carol.pk)


def test_the_silenced_are_whom_one_blocked_or_muted_and_who_blocked_one_by_one_query(
    alice, bob, carol, mallory, django_assert_num_queries
):
    actions.block(alice, bob)
    actions.mute(alice, carol)
    actions.block(mallory, alice)
    with django_assert_num_queries(1):
        assert relations.silenced_for(alice.pk) == {bob.pk, carol.pk, mallory.pk}
    assert relations.silenced_for(bob.pk) == {alice.pk}
    assert relations.silenced_for(carol.pk) == set()
    with django_assert_num_queries(1):
        assert relations.silenced_among(alice.pk, [bob.pk, alice.pk]) == {bob.pk}


def test_a_mute_ends_by_the_clock(alice, bob):
    actions.mute(alice, bob, until=timezone.now() + timedelta(hours=1))
    assert relations.silenced_for(alice.pk) == {bob.pk}
    Mute.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert relations.silenced_for(alice.pk) == set()


def test_users_are_kept_apart_by_a_condition_on_a_column(alice, bob, carol):
    actions.block(alice, bob)
    found = Block.objects.filter(Block.objects.apart(bob.pk, "blocker_id"))
    assert not found.exists()
    assert Block.objects.filter(Block.objects.apart(carol.pk, "blocker_id")).exists()


def test_whom_one_keeps_away_is_told_and_not_by_whom_one_is(alice, bob, carol, mallory, monkeypatch):
    actions.block(alice, bob)
    actions.mute(alice, carol)
    actions.block(mallory, alice)
    assert relations.kept_away_by(alice.pk, muted=False) == [bob.pk]
    assert set(relations.kept_away_by(alice.pk, muted=True)) == {bob.pk, carol.pk}
    monkeypatch.setattr(relations, "KEPT_AWAY_MAX", 1)
    assert len(relations._blocked_or_muted(alice.pk)) == 1
