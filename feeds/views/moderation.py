"""Moderation: the queue of reports, and what is hidden; for those who may moderate."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from feeds import moderation
from feeds.models import Comment, Entry, Report
from feeds.permissions import MayModerate
from feeds.serializers import DecisionSerializer, HidingSerializer, ReportForModerators
from feeds.views.versions import Versioned, check_version


class ReportQueue(generics.ListAPIView):
    """The reports that wait for a decision, newest first; `?state=` shows those that were decided."""

    serializer_class = ReportForModerators
    permission_classes = (MayModerate,)

    def get_queryset(self):
        state = self.request.query_params.get("state", Report.State.OPEN)
        if state not in Report.State.values:
            raise ValidationError({"state": f"Give one of {', '.join(Report.State.values)}."})
        return Report.objects.filter(state=state).whole()


class ReportDetail(Versioned, generics.RetrieveAPIView):
    """One report."""

    serializer_class = ReportForModerators
    permission_classes = (MayModerate,)

    def get_queryset(self):
        return Report.objects.whole()

    def patch(self, request, pk: int) -> Response:
        """Uphold or reject it, once."""
        report = self.get_object()
        asked = DecisionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        check_version(request, report)
        if not moderation.decide(report, by=request.user, **asked.validated_data):
            raise ValidationError({"state": "This report was decided."}, code="decided")
        return Response(self.get_serializer(report).data)


class Hiding(APIView):
    """Whether an entry or a comment is hidden."""

    permission_classes = (MayModerate,)
    rows = Entry.objects.select_related("author", "feed")

    def put(self, request, pk: int) -> Response:
        """Hide it, with the reason; twice is once, with the first reason."""
        asked = HidingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = get_object_or_404(self.rows.all(), pk=pk)
        moderation.hide(row, by=request.user, **asked.validated_data)
        if row.hidden_at is None:
            raise Http404("It was deleted.")
        return Response(HidingSerializer(row).data)

    def delete(self, request, pk: int) -> Response:
        """Show it again."""
        moderation.restore(get_object_or_404(self.rows.all(), pk=pk))
        return Response(status=204)


class CommentHiding(Hiding):
    """Whether a comment is hidden."""

    rows = Comment.objects.select_related("author", "entry__author", "entry__feed")
