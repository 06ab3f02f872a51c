"""The report of an operation, for machines and for print."""
