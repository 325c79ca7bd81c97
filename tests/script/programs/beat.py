"""Waits for its end."""

import signal

signal.pause()
