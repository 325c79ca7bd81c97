"""What the runner reports to its user instead of a traceback."""


class Problem(Exception):
    """Something the user can mend: the message says what it is and what to do next."""


class Stopped(Exception):
    """Whoever waited was told to stop meanwhile."""
