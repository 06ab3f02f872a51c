"""The door of people and systems: Slack, the cards, and the HTTP intake."""
