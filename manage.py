#!/usr/bin/env python
"""Tidewire's command line; beside a running `script/server` it needs nothing set."""

import sys

from django.core.management import execute_from_command_line

from config.environment import adopt_development_environment

if __name__ == "__main__":
    adopt_development_environment()
    execute_from_command_line(sys.argv)
