"""Records purchases and open checkouts before they happen, and undoes them."""
