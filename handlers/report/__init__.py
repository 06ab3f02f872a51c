"""The report of an operation, as tables, JSON, CSV and one page to print."""
