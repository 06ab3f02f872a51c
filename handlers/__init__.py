"""Entry points: Slack, the cards, the HTTP intake and the passkey page."""
