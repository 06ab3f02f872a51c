"""Countersign, the hub: cases, what may be done, and who decides.

The floors are linted by import-linter. Each knows only those below it; what stands side by side
does not know each other:

bot.__main__, bot.cli                     the program and its commands
bot.demo                                  the sample company, its history and its story
bot.wiring                                the composition root
bot.service                               the running bot: start and stop
bot.use_cases                             the desk over one store
bot.advisors, bot.checkpoint_keeper,      precedents and models; the signed ledger;
bot.http_server, bot.preflight,           the HTTP server; the checks before a start;
bot.library_check, bot.slack_check        the library compared with systems and Slack;
bot.trainer, bot.worker_processes         training while idle; further processes
bot.settings                              the environment
handlers | scheduler | knowledge          people and systems | time | memory
bot.desk | bot.store | bot.connectors     use cases | persistence | outside systems
bot.ports                                 what the rules need from the world
bot.views | bot.measures                  what is shown | what the operation achieves
bot.cases                                 the rules: pure
bot.sockets, tracing, clock, metrics      time limits, traces, the time, counters

bot.emulator and bot.audit.verifier stand beside the floors and import nothing of them.
"""
