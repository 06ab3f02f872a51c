"""The report as page, tables and charts."""
