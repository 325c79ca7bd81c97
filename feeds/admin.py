"""Feeds and what is in them, for operators. What is changed here becomes events like any other change."""

from django.contrib import admin, messages
from django.db import transaction

from feeds import moderation
from feeds.models import Comment, Entry, Feed, Follow, Reaction, Report

HIDDEN_HERE = "Hidden by a moderator."
HIDEABLE = {"entry": Entry, "comment": Comment}


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
    actions = ["hide", "restore"]

    def has_moderate_permission(self, request) -> bool:
        return request.user.has_perm("feeds.moderate")

    @admin.action(description="Hide the selected", permissions=["moderate"])
    def hide(self, request, queryset):
        """Hide them everywhere; who reported them is told."""
        rows = list(queryset.select_related(*self.model.told_with))
        count = sum(moderation.hide(row, by=request.user, reason=HIDDEN_HERE) for row in rows)
        self.message_user(request, f"{count} hidden.", messages.SUCCESS)

    @admin.action(description="Show the selected again", permissions=["moderate"])
    def restore(self, request, queryset):
        """Show again what was hidden."""
        rows = list(queryset.select_related(*self.model.told_with))
        self.message_user(request, f"{sum(map(moderation.restore, rows))} shown again.", messages.SUCCESS)

    def get_readonly_fields(self, request, obj=None):
        """Keep everything but the text of what is there, and all of what was deleted."""
        if obj is None:
            return self.readonly_fields
        kept = [name for name in self.fields if name != "text"]
        return self.fields if obj.deleted_at else kept


@admin.register(Entry)
class EntryAdmin(Said):
    """Entries."""

    list_display = [
        "id",
        "__str__",
        "author",
        "feed",
        "like_count",
        "comment_count",
        "created_at",
        "deleted_at",
        "hidden_at",
    ]
    list_select_related = ["author", "feed", "counts"]
    list_filter = ["kind", "visibility"]
    search_fields = ["=author__username", "=feed__slug"]
    fields = [
        "feed",
        "author",
        "kind",
        "visibility",
        "text",
        "like_count",
        "comment_count",
        "version",
        "deleted_at",
        "hidden_at",
        "hidden_by",
        "hidden_reason",
    ]
    readonly_fields = [
        "like_count",
        "comment_count",
        "version",
        "deleted_at",
        "hidden_at",
        "hidden_by",
        "hidden_reason",
    ]
    autocomplete_fields = ["feed", "author"]


@admin.register(Comment)
class CommentAdmin(Said):
    """Comments."""

    list_display = ["id", "__str__", "author", "entry", "created_at", "deleted_at", "hidden_at"]
    list_select_related = ["author", "entry"]
    search_fields = ["=author__username"]
    fields = ["entry", "author", "text", "version", "deleted_at", "hidden_at", "hidden_by", "hidden_reason"]
    readonly_fields = ["version", "deleted_at", "hidden_at", "hidden_by", "hidden_reason"]
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


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin):
    """The queue of reports: each is upheld or rejected, or what it is about is hidden."""

    list_display = ["id", "__str__", "said", "reporter", "text", "state", "created_at", "closed_by"]
    list_filter = ["state", "reason"]
    list_select_related = ["reporter", "closed_by", "entry", "comment", "feed", "user"]
    search_fields = ["=reporter__username"]
    show_full_result_count = False
    ordering = ["-id"]
    actions = ["uphold", "reject", "hide"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False  # decided by actions, which tell who reported

    def has_delete_permission(self, request, obj=None):
        return False  # decided reports stay, as a record

    def has_moderate_permission(self, request) -> bool:
        return request.user.has_perm("feeds.moderate")

    @admin.display(description="what it is about")
    def said(self, report) -> str:
        return str(getattr(report, report.kind))

    @admin.action(description="Uphold the selected reports", permissions=["moderate"])
    def uphold(self, request, queryset):
        """Say that they are right."""
        self._decide(request, queryset, Report.State.UPHELD)

    @admin.action(description="Reject the selected reports", permissions=["moderate"])
    def reject(self, request, queryset):
        """Say that nothing breaks the rules."""
        self._decide(request, queryset, Report.State.REJECTED)

    @admin.action(description="Hide what the selected reports are about", permissions=["moderate"])
    def hide(self, request, queryset):
        """Hide the entries and comments; feeds and users are not hidden."""
        about = {(report.kind, report.object_id): report for report in queryset.whole() if report.kind in HIDEABLE}
        rows = [HIDEABLE[kind].objects.select_related(*HIDEABLE[kind].told_with).get(pk=pk) for kind, pk in about]
        hidden = [
            moderation.hide(row, by=request.user, reason=report.get_reason_display())
            for row, report in zip(rows, about.values(), strict=True)
        ]
        self.message_user(request, f"{sum(hidden)} hidden.", messages.SUCCESS)

    def _decide(self, request, queryset, state) -> None:
        count = sum(moderation.decide(report, state, by=request.user) for report in list(queryset))
        self.message_user(request, f"{count} decided.", messages.SUCCESS)
