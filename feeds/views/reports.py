"""Reports: what one says breaks the rules."""

from django.http import Http404
from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from access.models import User
from feeds import moderation
from feeds.models import Comment, Entry, Feed
from feeds.serializers import ReportSerializer
from feeds.views.versions import Versioned

# What one can report: what one may see.
SEEN = {
    "entry": lambda user: Entry.objects.alive().readable_by(user),
    "comment": lambda user: Comment.objects.alive().readable_by(user),
    "feed": lambda user: Feed.objects.visible_to(user),
    "user": lambda user: User.objects.filter(is_active=True),
}


class ReportList(Versioned, generics.ListAPIView):
    """One's own reports, newest first."""

    serializer_class = ReportSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return self.request.user.reports.whole()

    def post(self, request) -> Response:
        """Report something; while a report is open, another of the same is that one."""
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        kind, pk = asked.validated_data["object"].values()
        thing = SEEN[kind](request.user).filter(pk=pk).first()
        if thing is None:
            raise Http404(f"There is no such {kind}.")
        told = {"reason": asked.validated_data["reason"], "text": asked.validated_data.get("text", "")}
        report, is_new = moderation.report(kind, thing, by=request.user, **told)
        return Response(self.get_serializer(report).data, status=201 if is_new else 200)
