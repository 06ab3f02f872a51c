"""The rules of cases, plans and policy.

They are pure: no I/O, no clock, no Slack.
"""
