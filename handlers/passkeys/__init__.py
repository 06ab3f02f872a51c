"""The page outside Slack where step-up approvals are confirmed and passkeys are added."""
