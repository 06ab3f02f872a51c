"""Entry points for people and systems: Slack, the cards, the HTTP intake and the passkey page."""
