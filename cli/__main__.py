"""`python -P -m cli`: the console script for a process that starts another."""

from cli import main

main()
