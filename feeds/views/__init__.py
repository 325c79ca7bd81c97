"""The feeds API."""
