"""Decides which slots are due and which runner runs them, and keeps the plan that defines them."""
