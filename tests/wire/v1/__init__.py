"""How a runner of version 1 reads what a hub says: its own code of then, frozen. Nothing in here is ever changed."""
