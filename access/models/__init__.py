"""Users, by what they come in and what is granted to them, and the answers that idempotent requests get again."""

from access.models.api_key import ApiKey
from access.models.application import Application
from access.models.grant import Grant, check_topic
from access.models.idempotent_answer import IdempotentAnswer
from access.models.ticket import Ticket
from access.models.user import USERNAME, User

__all__ = ["USERNAME", "ApiKey", "Application", "Grant", "IdempotentAnswer", "Ticket", "User", "check_topic"]
