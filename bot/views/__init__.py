"""View models: the data that cards, lists and answers show.

No rule is decided here.
"""
