"""The page outside Slack for step-up approvals and passkeys."""
