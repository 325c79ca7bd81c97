"""Has two processes below it and names them, as a Celery worker does; none of them heeds its parent's end."""

import os
import signal

children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        while True:
            signal.pause()
    children.append(child)
print("children", *children, flush=True)
signal.pause()
