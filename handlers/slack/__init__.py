"""Slack: listeners, and the sender of every message."""
