"""Which slots are due, who runs them, and the plan they come from."""
