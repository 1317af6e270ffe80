"""How each kind of rule is judged: one file a kind, each a pure function of rule, index and moment."""
