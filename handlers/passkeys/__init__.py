"""The page outside Slack where the top class is confirmed with a passkey, and where a passkey is added."""
