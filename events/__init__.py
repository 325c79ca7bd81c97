"""The core: what can happen, what did happen, and how everyone learns of it. It imports no other app of the house."""
