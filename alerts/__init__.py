"""Turns verdicts into messages: the state machine, incidents and routes (all pure), and the channels that send."""
