"""The control API: the acts of people in Slack, over HTTP.

It is no part of Slack. Tests and the page use it alike.
"""
