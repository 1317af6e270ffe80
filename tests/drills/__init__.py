"""Programs that die on purpose: a real runner or hub in a process of its own, killed with -9 at a named failpoint."""
