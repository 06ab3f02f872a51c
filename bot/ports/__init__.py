"""What the rules need from the world: small protocols, each with a real thing and a fake behind it.

Import each name from its own module: ``from bot.ports.outbox import OutboxMessage``.
"""
