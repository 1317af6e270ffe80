"""Keeps results on this disk until the hub has them."""
