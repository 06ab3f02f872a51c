"""Countersign, the hub: what a case is, what may be done about it, and who decides.

The house, floor by floor (linted by import-linter; a floor knows only those below it):

6  bot.__main__                               the program and its commands
   bot.sample                                 the sample company "Harbour & Vine": its data, its people, its past, its story
5  bot.wiring                                 the one place where real things are plugged together
4  handlers | scheduler | knowledge           people and systems | time | memory (never each other)
   bot.audit                                  what an auditor gets: checkpoints, export, replay
3  bot.desk | bot.store | bot.connectors      use cases | persistence | outside systems (never each other)
2  bot.ports                                  what the rules need from the world
1  bot.cases                                  the rules: pure
0  bot.sockets, clock, metrics, outages       sockets that keep to a time limit; what the time is; what is counted and told
   bot.emulator and bot.audit.verifier stand beside the house and import nothing of it
"""
