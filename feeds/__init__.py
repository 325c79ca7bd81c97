"""Feeds: entries, follows, likes and comments; whatever changes in them becomes an event."""
