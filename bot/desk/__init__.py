"""The use cases of the bot.

Each has one rhythm: read, judge, write once, return.
"""
