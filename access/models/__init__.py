"""Users, by what they come in, and the answers that idempotent requests get again."""

from access.models.api_key import ApiKey
from access.models.idempotent_answer import IdempotentAnswer
from access.models.ticket import Ticket
from access.models.user import USERNAME, User

__all__ = ["USERNAME", "ApiKey", "IdempotentAnswer", "Ticket", "User"]
