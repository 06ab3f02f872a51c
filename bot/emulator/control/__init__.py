"""The control API: a person's acts in Slack, over HTTP. Not part of Slack.

Tests and the page use it alike.
"""
