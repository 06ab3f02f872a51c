"""Words that mean the same in questions about cases.

An example with one of them teaches for all of them: "who vetoed it" is near "who rejected it". The
words themselves stay features beside their sense, so that training can still tell them apart.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

WORD = re.compile(r"\{\w+\}|\w+|[£$€]")
#: A sense for every line; words stand for their inflected forms too.
SENSES = """
approve: approve, approval, ok, okay, oked, okayed, ok'd, sign, signed, sign off, signed off,
  signing off, signature, sign-off, signoff, say yes, said yes, saying yes, says yes, yes, yeses,
  consent, authorise, authorize, authorisation, authorization, green light, greenlight, go ahead,
  go-ahead, goahead, thumbs up, blessing, bless, nod, nod through, wave through, waved through,
  wave, let through, clear for, agree, agreement, accept, endorse, permission, permit,
  rubber stamp, rubber-stamp, pass, give the nod, gave the nod, say so, say-so, confirm,
  confirmation, grant, sanction, seal, autograph
reject: reject, rejection, refuse, refusal, decline, deny, denial, veto, turn down, turned down,
  turning down, knock back, knocked back, knocking back, say no, said no, saying no, says no,
  a no, no to, throw out, threw out, thrown out, bin, binned, scrap, kill, dismiss, dismissal,
  disapprove, bounce, bounced back, send back, sent back, shoot down, shot down, chuck out, nix,
  cancel, cancellation, discard, strike down, vote down, voted down, overrule, drop, thumbs down
decide: decide, decision, verdict, rule on, ruling, judge, judgement, judgment, make the call,
  made the call, call on it, settle, choose, chose, make up their mind, decided on, determine
edit: edit, amend, amendment, alter, alteration, change, modify, modification, tweak, adjust,
  adjustment, revise, revision, correct, correction, rewrite, rewrote, reword, swap, tinker,
  fiddle, touch up, rework
snooze: snooze, postpone, defer, park, put off, put to sleep, asleep, sleep, sleeping, shelve,
  push back, pushed back, delay until, kick down the road, put aside, set aside, hide until, wake,
  wake up, later on, put back, nap, mute
pause: pause, suspend, suspension, halt, freeze, froze, frozen, on hold, put on hold, hold off,
  stop doing, switch off, switched off, turn off, turned off, disable, deactivate, off switch,
  stand down, shut off, time out
resume: resume, resumption, unpause, restart, reactivate, unfreeze, switch on, switch back on,
  switched on, turn on, turn back on, enable, re-enable, start again, carry on with,
  continue with, get going again, lift the pause, lift the hold, back on
take_back: take back, took back, taken back, undo, undone, undid, reverse, reversal, revert,
  roll back, rolled back, rollback, withdraw, withdrew, withdrawn, rescind, retract, revoke,
  unapprove, call back, recall, unwind, backtrack
hand_over: hand over, handed over, hand, reassign, transfer, pass on, passed on, pass to,
  pass over, give to, move to, delegate, delegation, forward, redirect, assign to, shift to,
  let handle, refer
claim: claim, take on, took on, taken on, pick up, picked up, take over, took over, taken over,
  i'll take, i'll handle, grab, volunteer, take care of, took care of, adopt, i will take,
  i've got, leave it to me, leave it with me
remind: remind, reminder, nudge, poke, prod, chase, chase up, chaser, ping, nag, jog,
  follow up with, hurry up, push along, give a shout, give a kick, buzz, pester, chivvy
raise: raise, report, log, flag, flag up, lodge, submit, file, notify, bring up, brought up,
  open a case, new case, tell you about, told you about, record, put in, put down, make a note,
  note down, create a case, escalate to you, signal
escalate: escalate, escalation, go up, went up, gone up, pushed up, push up, bump up, bumped up,
  kick upstairs, kicked upstairs, one level up, higher up, next level, up the chain,
  above our heads, upwards, moved up, sent up, to the top
open: open, unfinished, unresolved, outstanding, pending, unsettled, live, active, ongoing,
  still going, not done, not finished, not closed, undone yet, in progress, on the go, alive,
  running, current, remaining, left, unsorted
closed: closed, close, finished, finish, resolved, resolve, done, done with, dealt with, settled,
  completed, complete, wrapped up, wrap up, sorted, sorted out, sort out, ended, over,
  over and done with, finalised, concluded, put to bed, off the table, ticked off, cleared off
waiting: waiting, wait, await, awaiting, stuck, blocked, stalled, held up, hold up, holding up,
  hangs, hang on, hinge, depend, queue, in limbo, idle, standing still
overdue: overdue, late, past due, past its deadline, past the deadline, behind schedule,
  missed the deadline, too late, over time, lates, lateness, slipped, tardy, belated, out of time,
  past its date, past its time, overran, overrun, overrunning
due: due, deadline, due date, by when, cut off, cutoff, cut-off, time limit, latest
expire: expire, expiry, expiration, lapse, run out, runs out, ran out, running out, time out,
  timed out, go stale, went stale, no longer valid, valid, validity, void, gone off, elapse
vanish: cleared, vanish, disappear, went away, gone away, go away, sorted itself, resolved itself,
  evaporate, solved itself, fixed itself, by itself went, fell away
automatic: automatic, automatically, automated, automation, autopilot, auto, by yourself,
  by itself, yourself, on your own, alone, all alone, without asking, unasked, without us,
  without anyone, without anybody, without a human, without a person, no human, hands off,
  hands-off, unattended, untouched by, self-approved, unsupervised, unprompted, off your own bat,
  of your own accord, without approval
manual: by hand, manually, manual, themselves, outside, ourselves, in person
unrecognised: unrecognised, unrecognized, unknown, unclear, unidentified, uncategorised,
  uncategorized, unclassified, not recognise, could not place, can't place, don't know what,
  do not know what, fit nowhere, fits nowhere, fit none, no kind, no category, miscellaneous,
  misc, odds and ends, oddball, mystery, baffled, puzzled, stumped
recognise: recognise, recognize, recognition, classify, classification, categorise, categorize,
  identify, tell which kind, type, sort of case, kind of case, what kind, which kind, what sort,
  which sort, category, label, pigeonhole, place it, work out what, worked out what, kind it is,
  sort it is, know what it is, knew what
owner: owner, own, owned, owns, responsible, in charge, responsibility, belong, looks after,
  look after, looking after, looked after, in the hands of, whose is, accountable, on the hook,
  handling, handles, handle, holder, assigned, assignee, caretaker, dealing with it, deals with,
  taking care
team: team, group, department, dept, crew, squad, lot, section, side
person: person, people, individual, head, colleague, employee, member, somebody, someone, anyone,
  anybody, staff, human, folk, folks, bod, guy, guys
kind: kind, type, sort, category, categories, class, playbook
oldest: oldest, longest waiting, waiting longest, longest, earliest, first in, been there longest,
  oldest first, stalest, most ancient, dustiest, most aged
newest: newest, latest, most recent, recent, last in, fresh, freshest, just in, just arrived,
  just came in, brand new
largest: largest, biggest, most expensive, priciest, highest, heaviest, costliest, dearest,
  most valuable, worth most, worth the most, top, chunkiest, fattest
smallest: smallest, cheapest, least, lowest, tiniest, littlest, least expensive, least valuable,
  minor
soonest: soonest, next due, first due, closest, nearest, most urgent, urgent, urgency, pressing,
  tightest, comes first, next up, top priority, priority, ticking, burning
money: money, cash, quid, pounds, £, $, €, sum, value, worth, amount, figure, cost, costs, price,
  stake, at stake, tied up, business, revenue, turnover, spend, exposure, bill, damage, financial,
  in total, altogether, all told, dosh, dough
lose: lose, loss, losing, risk losing, miss out, at risk, walk away, forgo, forfeit
total: total, add up, adds up, added up, sum up, altogether, all together, all told, combined,
  overall, together, sum total, tally, grand total, come to, comes to, came to
number: how many, number of, count, tally, quantity, headcount, how often
average: average, on average, typical, typically, usual, usually, normal, normally, median, mean,
  as a rule, generally, in general, mostly, most of the time, tend to, tends to, commonly,
  ordinarily, by and large, nine times out of ten
share: share, percentage, percent, per cent, proportion, ratio, rate, fraction, %, how often,
  how frequently, what part, portion, out of ten, out of hundred, in a hundred
split: split, break down, broken down, breakdown, per, by each, for each, each, grouped, group by,
  divide, divided, sliced, distribution, spread, one by one, respectively, individually
worked: worked, work out, worked out, success, successful, succeed, effective, pay off, paid off,
  do the trick, did the trick, help, solved, fixed, fix
history: history, trail, log, timeline, chronology, step by step, sequence, audit, record,
  everything that happened, from start to finish, start to end, blow by blow, whole story,
  full story, story so far, life of
past: past, before, previously, in the past, last time, earlier, history of, precedent, similar,
  alike, comparable, ever before, previous, such a thing, this sort of thing, like this,
  like that, on earlier occasions, other times, the other times
reason: why, reason, reasons, how come, what for, for what reason, wherefore, explain,
  explanation, explain why, what made, what makes, because of what, on what grounds, grounds,
  cause, rationale, justification, justify, what's behind, motive, based on what, thinking behind,
  logic, how so, whats the idea
recommend: recommend, recommendation, suggest, suggestion, advise, advice, propose, proposal,
  proposed, your pick, favour, opinion, your view, your take, your favourite, would you pick
plan: plan, intend, intention, going to do, gonna do, planning, steps, proposed action, next step,
  next steps
confidence: confidence, confident, sure, certain, certainty, how likely, likelihood, probability,
  chance, odds, doubt, trust, positive that
evidence: evidence, facts, fact, proof, data, figures, numbers, information, info, sources,
  looked at, look at, checked, inputs, basis, based on, went by, background, findings, details
consequence: consequence, what happens if, what would happen, what will happen, what happens when,
  what follows, outcome if, knock-on, knock on, effect, effects, result if, set off, trigger,
  what if, happen if, happens then, and then what
outcome: outcome, result, what came of, end up, ended up, turn out, turned out, come of it,
  upshot, how did it go, how it went, come out
execution: execute, execution, carry out, carried out, carrying out, ran, run, perform, performed,
  implement, put through, went through, gone through, go through, take effect, took effect,
  put into practice, happened, in motion
status: status, state, where does, where is, where are we, stand, how is, how's, hows, looking,
  progress, headway, update, news, latest on, situation, getting on, coming along, how far,
  any movement, anything new on, up with, doing
drift: drift, moved on, facts changed, changed since, different now, no longer true, out of date,
  outdated, again asked, asked again, ask again, asking again, second time, twice, once more,
  anew, compared with, since then
stand_in: stand in, stand-in, standing in, standin, cover, covering, covers, deputy, deputise,
  deputize, substitute, replacement, sub, fill in, filling in, backup, back-up, on behalf of,
  in place of, instead of me, acting for, holiday cover, in my absence, when away, replaces,
  replace
away: away, off, on holiday, on leave, absent, out of office, ooo, on vacation, vacation, holiday,
  leave, sick, ill, poorly, not in, off work, abroad, annual leave, at home, in hospital
blocker: bottleneck, blocker, hold things up, holding things up, holding us up, slowing down,
  slow down, slowing us down, clogging, jamming, logjam, bunged up, dragging their feet,
  sleeping on, sitting on, sit on, in the way, culprit, hold-up, obstruct, dawdle, laggard
arrive: arrive, arrival, come in, came in, coming in, landed, land, turn up, turned up, pop up,
  popped up, crop up, cropped up, showed up, show up, appear, roll in, rolled in, receive,
  incoming, opened, created, got opened, come up, came up, new
mine: mine, my, for me, on me, with me, me, my plate, my desk, my name, myself, i, i'm,
  yours truly
show: show, list, give me, display, see, tell me, let me see, print, enumerate, bring up, pull up,
  fetch, dump, run me through, go through with me, name, get me
capable: can you, are you able, able to, capable, capability, abilities, could you ever,
  is it possible for you, know how to, manage to, good at, do you do, do you handle,
  handle yourself, skill, feature, features
limit: limit, limits, ceiling, cap, maximum, max, threshold, at most, up to how much, boundary,
  how far may, allowance, budget
allowed: allowed, may, permitted, entitled, authorised to, allowed to, have the right, empowered,
  right to
need: need, needs, require, must, have to, has to, got to, gotta, should, ought to, supposed to,
  obliged, necessary, requires
member: member, belongs to, who is in, who all is in, made up of, consist of, roster, part of,
  sits in
source: source, sources, system, systems, connected, hooked up, plugged into, read from,
  where do you get, feed, integration, integrate, mailbox, inbox
please: please, pls, plz, kindly, if you would, would you mind, be so kind
greet: hello, hi, hey, hiya, howdy, yo, morning, good morning, afternoon, good afternoon, evening,
  good evening, alright, wotcha, ey up, g'day, greetings
thanks: thanks, thank you, ta, cheers, thx, ty, much obliged, much appreciated, nice one,
  brilliant, great, lovely, awesome, cool, perfect, well done, good job, top, smashing,
  you're a star, lifesaver, legend
bye: bye, goodbye, see you, cya, good night, night night, night, later, laters, ta ta, cheerio,
  tara, so long, take care, have a good one
broken: broken, broke, leak, leaks, leaking, smashed, cracked, faulty, out of order, jammed,
  stinks, smell, smells, flooded, puddle, dripping, snapped, torn, blown, tripped, damaged,
  wobbly, mouldy, mould, mice, fell off, hanging off, busted, knackered, bust, packed up,
  on the blink, conked out, playing up, not working, doesn't work, won't start, gone missing,
  missing
"""
#: No phrase of a sense has more words.
MAX_PHRASE_WORDS = 4
SENSE_MARK = "~"
_VOWELS = frozenset("aeiou")
_MIN_STEM = 3


def to_senses(words: Sequence[str]) -> list[str]:
    """Replace words and phrases by their senses, the longest first."""
    senses: list[str] = []
    place = 0
    stems = [stem_word(word) for word in words]
    while place < len(words):
        length, sense = _find_sense(words, stems, place)
        senses.append(sense or stems[place])
        place += length
    return senses


@lru_cache(maxsize=20_000)
def stem_word(word: str) -> str:
    """Cut the usual endings off a word: "parked" and "parking" become "park"."""
    if len(word) <= _MIN_STEM or word.startswith("{"):
        return word
    stem = word
    for ending in ("'s", "ing", "ied", "ies", "ed", "es", "s"):
        if stem.endswith(ending) and len(stem) - len(ending) >= _MIN_STEM:
            if ending == "s" and stem.endswith("ss"):
                break
            stem = stem.removesuffix(ending) + ("y" if ending in ("ied", "ies") else "")
            break
    if len(stem) > _MIN_STEM and stem.endswith("e"):
        stem = stem[:-1]
    is_doubled = len(stem) > _MIN_STEM and stem[-1] == stem[-2] and stem[-1] not in _VOWELS | {"s"}
    return stem[:-1] if is_doubled else stem


def _find_sense(words: Sequence[str], stems: Sequence[str], place: int) -> tuple[int, str]:
    """Return how many words have a sense together, and the sense."""
    for length in range(min(MAX_PHRASE_WORDS, len(words) - place), 0, -1):
        sense = _BY_PHRASE.get(" ".join(words[place : place + length]))
        if sense is None:
            sense = _BY_STEMS.get(" ".join(stems[place : place + length]))
        if sense is not None:
            return length, sense
    return 1, ""


def _read_senses() -> Iterator[tuple[str, str]]:
    """Yield every phrase with its sense."""
    text = SENSES.strip().replace("\n  ", " ")
    for line in text.splitlines():
        sense, _, phrases = line.partition(":")
        for phrase in phrases.split(","):
            yield " ".join(WORD.findall(phrase)), f"{SENSE_MARK}{sense}"


def _stem_phrase(phrase: str) -> str:
    return " ".join(map(stem_word, phrase.split()))


_BY_PHRASE: dict[str, str] = {}
_BY_STEMS: dict[str, str] = {}
for _phrase, _sense in _read_senses():
    # The first sense of a phrase counts.
    _BY_PHRASE.setdefault(_phrase, _sense)
    _BY_STEMS.setdefault(_stem_phrase(_phrase), _sense)
