"""The development runner: engines, Tidewire's own processes, and what keeps them alive."""
