"""Three regions, a hub and a shop, each in a network namespace of its own, with the way between them as long as it really is."""
