"""What owners and operators see at once: live-only notices of what became of deliveries."""

from collections.abc import Sequence

from webhooks.models import Attempt


def tell(attempts: Sequence[Attempt]) -> None:
    """Tell those who look now of tries that were written down; `delivery` is loaded with each. Never raises."""
