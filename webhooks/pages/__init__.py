"""The subscriber's portal: one's endpoints, what is delivered to them live, and what to do about it."""
