"""One attempt and the supervisor that answers for it: processes, deadlines, evidence, and the record."""
