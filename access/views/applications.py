"""One's applications."""

from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from access import actions
from access.models import Application
from access.serializers import ApplicationSerializer


class Applications(generics.GenericAPIView):
    """A view on one's own applications."""

    serializer_class = ApplicationSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        """Return one's own applications."""
        return Application.objects.filter(owner=self.request.user)

    def asked(self) -> dict:
        """Return what the request's body says, if it is valid."""
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class ApplicationList(Applications, generics.ListAPIView):
    """One's applications, newest first."""

    def post(self, request) -> Response:
        """Make an application."""
        application = actions.create_application(request.user, **self.asked())
        return Response(self.get_serializer(application).data, status=status.HTTP_201_CREATED)


class ApplicationDetail(Applications, generics.RetrieveDestroyAPIView):
    """One application; with it go its keys and grants."""

    def patch(self, request, pk: int) -> Response:
        """Give it another name."""
        application = actions.rename_application(self.get_object(), **self.asked())
        return Response(self.get_serializer(application).data)
