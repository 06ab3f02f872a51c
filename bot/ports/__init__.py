"""Small protocols for all that the rules need from the world.

Each has a real thing and a fake behind it.

Import each name from its own module: ``from bot.ports.outbox import OutboxMessage``.
"""
