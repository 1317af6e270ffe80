"""Results on this disk until the hub has them."""
