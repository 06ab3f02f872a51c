"""Measures of the operation, with unit and definition, computed from ledger entries.

A case is folded into its measures, cases are added up to totals, and each measure is one function
over totals. Nothing here reads a clock or a store.
"""
