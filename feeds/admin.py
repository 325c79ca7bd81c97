"""Feeds and what is in them, for operators. What is changed here becomes events like any other change."""

from django.contrib import admin, messages
from django.db import transaction

from feeds.models import Comment, Entry, Feed, Follow, Reaction


@admin.register(Feed)
class FeedAdmin(admin.ModelAdmin):
    """Feeds."""

    list_display = ["id", "title", "slug", "owner", "visibility", "follower_count", "created_at"]
    list_filter = ["visibility"]
    list_select_related = ["owner", "counts"]
    search_fields = ["=slug", "=owner__username"]
    fields = ["owner", "slug", "title", "description", "visibility", "follower_count", "version"]
    readonly_fields = ["follower_count", "version"]
    autocomplete_fields = ["owner"]
    ordering = ["-id"]

    def get_readonly_fields(self, request, obj=None):
        """Keep whose a personal feed is, and its address, which is its owner's name."""
        return [*self.readonly_fields, "owner", "slug"] if obj and obj.is_personal else self.readonly_fields

    def has_delete_permission(self, request, obj=None):
        """Let a personal feed stay as long as its owner."""
        return super().has_delete_permission(request, obj) and not (obj and obj.is_personal)


class Said(admin.ModelAdmin):
    """What somebody said: the text can be changed, where it stands cannot."""

    list_select_related = ["author"]
    show_full_result_count = False
    ordering = ["-id"]

    def get_readonly_fields(self, request, obj=None):
        """Keep everything but the text of what is there, and all of what was deleted."""
        if obj is None:
            return self.readonly_fields
        kept = [name for name in self.fields if name != "text"]
        return self.fields if obj.deleted_at else kept


@admin.register(Entry)
class EntryAdmin(Said):
    """Entries."""

    list_display = ["id", "__str__", "author", "feed", "like_count", "comment_count", "created_at", "deleted_at"]
    list_select_related = ["author", "feed", "counts"]
    list_filter = ["kind", "visibility"]
    search_fields = ["=author__username", "=feed__slug"]
    fields = ["feed", "author", "kind", "visibility", "text", "like_count", "comment_count", "version", "deleted_at"]
    readonly_fields = ["like_count", "comment_count", "version", "deleted_at"]
    autocomplete_fields = ["feed", "author"]


@admin.register(Comment)
class CommentAdmin(Said):
    """Comments."""

    list_display = ["id", "__str__", "author", "entry", "created_at", "deleted_at"]
    list_select_related = ["author", "entry"]
    search_fields = ["=author__username"]
    fields = ["entry", "author", "text", "version", "deleted_at"]
    readonly_fields = ["version", "deleted_at"]
    autocomplete_fields = ["entry", "author"]


@admin.register(Follow)
class FollowAdmin(admin.ModelAdmin):
    """Follows: a request can be accepted, here or by changing its state, or declined."""

    list_display = ["id", "follower", "feed", "state", "created_at"]
    list_filter = ["state"]
    list_select_related = ["follower", "feed"]
    search_fields = ["=follower__username", "=feed__slug"]
    autocomplete_fields = ["feed", "follower"]
    ordering = ["-id"]
    exclude = ["version"]
    actions = ["accept", "decline"]

    def get_readonly_fields(self, request, obj=None):
        """Keep who follows what; an accepted follow can be deleted, not taken back to a request."""
        if obj is None:
            return []
        kept = ["feed", "follower", "created_at"]
        return kept if obj.state == Follow.State.PENDING else [*kept, "state"]

    @admin.action(description="Accept the selected requests", permissions=["change"])
    def accept(self, request, queryset):
        """Let who asked follow; each is told."""
        with transaction.atomic():
            rows = list(queryset.pending())
            for follow in rows:
                follow.state = Follow.State.ACCEPTED
                follow.save()
        self.message_user(request, f"{len(rows)} accepted.", messages.SUCCESS)

    @admin.action(description="Decline the selected requests", permissions=["delete"])
    def decline(self, request, queryset):
        """Refuse who asked; each is told. Accepted follows stay."""
        count, _ = queryset.pending().delete()
        self.message_user(request, f"{count} declined.", messages.SUCCESS)


@admin.register(Reaction)
class ReactionAdmin(admin.ModelAdmin):
    """Likes: they are made and taken back, never changed."""

    list_display = ["id", "user", "entry", "kind", "created_at"]
    list_select_related = ["user", "entry"]
    search_fields = ["=user__username"]
    autocomplete_fields = ["entry", "user"]
    ordering = ["-id"]

    def has_change_permission(self, request, obj=None):
        return False
