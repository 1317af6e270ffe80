"""From facts to verdicts: targets, rules and statistics, without a clock, a network or a database."""
