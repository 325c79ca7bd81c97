"""Outbound webhooks: endpoints, deliveries and their tries."""
