"""Speed, shown and not tested: each module with a `main` is a command that prints a table and its conditions.

`fanout`, `saturation`, `memory` and `storm` start engines and servers of their own, the server alone on one core, and
measure Tidewire next to the consumer of the Channels tutorial in the same run. `--help` names options for short runs.
"""
