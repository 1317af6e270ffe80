"""A labelled set of faults, each really provoked, and what stands between the buyer and the shop while one is on."""
