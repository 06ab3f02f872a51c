"""A small Slack on localhost, with faults on demand.

It knows only the wire and imports nothing of the house.
"""
