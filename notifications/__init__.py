"""Notifications: an inbox per user, filled from the log."""
