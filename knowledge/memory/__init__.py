"""Precedents: their vectors and keywords, and the search for similar cases.

Everything here is derived from the stored precedents and can be rebuilt from them. When an index
fails, callers get an empty answer with a reason, never an exception.
"""
