"""What was bought or left open, written down before it happens, and how it is undone."""
