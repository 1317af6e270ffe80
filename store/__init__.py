"""The database: its tables, one file of queries a noun, and the migrations."""
