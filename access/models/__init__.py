"""Users, what stands between them, by what they come in, what is granted to them, and kept answers to requests."""

from access.models.api_key import ApiKey
from access.models.application import Application
from access.models.block import Block
from access.models.grant import Grant, check_topic
from access.models.idempotent_answer import IdempotentAnswer
from access.models.mute import Mute
from access.models.ticket import Ticket
from access.models.user import USERNAME, User

__all__ = [
    "USERNAME",
    "ApiKey",
    "Application",
    "Block",
    "Grant",
    "IdempotentAnswer",
    "Mute",
    "Ticket",
    "User",
    "check_topic",
]
