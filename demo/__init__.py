"""A ticket shop with a stand-in Stripe and a box of faults: what the monitor watches when nothing else is at hand."""
