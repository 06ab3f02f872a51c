"""Precedents: text as vectors and keywords, the indexes over the store, and the search for cases alike.

Everything here is derived from the stored precedents and can be rebuilt from them. When an index
fails, callers get an empty answer with a reason, never an exception.
"""
