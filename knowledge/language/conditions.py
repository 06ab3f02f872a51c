"""Conditions on cases, from the masked words of a question."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.views.query import ME, Condition, LastDecision, Period
from knowledge.language.money import StakeBounds
from knowledge.language.names import Mention
from knowledge.language.question_text import QuestionText, phrase
from knowledge.language.time_words import WEEKDAYS, TimeExpression, span_name

#: What a word says; fields of a condition.
Fields = Mapping[str, Any]
SOON = span_name(timedelta(days=1), is_past=False)

_WHO = r"(?P<who>\{person\}|\{group\}|me|us)"
_NOT = r"(?:not|never|nobody|no one|none|no)"
_FEW = r"(?:[^ ]+ ){0,3}"
_APPROVED = (
    r"(?:approved|signed(?: it| them| this)? off|said yes(?: to)?"
    r"|agreed(?: to)?|accepted|authori[sz]ed"
    r"|green ?lit|greenlighted|waved through|let through|signed"
    r"|given the (?:ok|nod|go ahead)|passed"
    r"|cleared for|rubber ?stamped|confirmed|granted)"
)
_REJECTED = (
    r"(?:rejected|turned(?: it| them| this)? down|declined|refused"
    r"|said no(?: to)?|knocked back|denied"
    r"|binned|vetoed|thrown out|threw out|dismissed|shot down"
    r"|sent back|turned away|killed|rejects|rejections)"
)
_DECIDED = r"(?:decided|decided on|ruled on|answered|acted on|settled|dealt with|handled)"
_APPROVE = r"(?:approve|approving|sign off|sign|say yes(?: to)?|agree to|accept|authori[sz]e|ok)"
_REJECT = r"(?:reject|rejecting|turn down|decline|refuse|say no(?: to)?|deny|veto|bin)"
_DECIDE = r"(?:decide|decide on|act on|answer)"
_OTHER = r"(?:edited|changed|handed (?:over|on|off)|passed on|taken back|took back|undid|undone)"
_EDITED = r"(?:edited|changed|adjusted|amended|modified|tweaked|altered|corrected)"
_DID = r"(?:did|do|have|has|had)"
_ENDED = (
    r"(?:closed(?: out| off)?|ended|finished|completed|resolved|solved|fixed|sorted|wrapped up"
    r"|concluded|settled|(?:is |are |all )over|done(?: with)?"
    r"|dealt with|taken care of|put to bed|cleared up)"
)
_CLOSE = (
    r"(?:close|close out|finish|complete|resolve|solve|fix|sort out|wrap up|get through|clear"
    r"|deal with|handle|get done)"
)
_WAIT = (
    r"(?:waiting|waits?|waited|stuck|sitting|sits?|pending|held up|holding|backed up|parked|blocked"
    r"|hanging|piled up|piling up|queued(?: up)?|lying|lies|left|stalled|hung up|stopped|jammed"
    r"|outstanding|resting|depends?|depending|dependent|in the hands|landed|is|are|still)"
)
_SIGN = (
    r"(?:approve|sign(?: off)?|ok|decide|say|do|look at|review|check|act|answer|deal with|handle"
    r"|authori[sz]e|confirm|respond|reply|take care of|see to|give|clear|tackle|action|get to)"
)
_NOUN_OF_DECISION = (
    r"(?:ok|yes|approval|approvals|sign off|signature|decision|decisions|answer|attention|input"
    r"|go ahead|nod|call|say so|verdict|yes or no|action)"
)
_QUEUE = (
    r"(?:queue|plate|desk|list|inbox|pile|tray|court|lap|to do|todo"
    r"|backlog|hands|side|name|table|stack)"
)

#: Words that say in which state or how decided cases are; the earlier take their words first.
FLAGS: tuple[tuple[re.Pattern[str], Fields], ...] = (
    (
        # What a task says of itself is no state of its case.
        phrase(
            r"(?:marked|ticked|signed|checked|reported|flagged|declared|set) (?:off )?(?:as )?"
            r"(?:done|completed?|finished|closed|resolved|off)",
            r"signed off (?=(?:without|with no|but (?:no|not|without)) )",
        ),
        {},
    ),
    (
        phrase(
            r"(?:open|live|active) (?:and|or|n|as well as|&) (?:closed|ended"
            r"|done|finished)(?: both)?",
            r"(?:closed|ended|done|finished) (?:and|or|as well as|&) (?:open"
            r"|live|active)(?: both)?",
            r"(?:also|even|plus|and also|including|incl"
            r"|with) (?:the )?(?:closed|ended|finished|old|past) ?(?:ones"
            r"|cases)?",
            r"(?:the )?(?:closed|ended|finished|old|past)(?: ones| cases)? (?:too|as well|also)",
            r"(?:both )?(?:open or not|whatever the state|in any state|of any state|old and new)",
            r"(?:we |you |they |i )?(?:have |has )?ever(?: had| saw| seen| got)?|all time|to date",
        ),
        {"is_any": True},
    ),
    (
        phrase(
            r"(?:could|can|did|do) not (?:you )?(?:make (?:any )?sense of|recogni[sz]e|identify"
            r"|understand|place|classify|sort)",
            r"(?:could|can|did|do) you not (?:make (?:any )?sense of|recogni[sz]e|identify"
            r"|understand|place|classify|sort)",
            r"unrecogni[sz]ed|unknown kinds?|not (?:been )?recogni[sz]ed|unclassified|unidentified",
            r"(?:fits?|fitted|match(?:es)?) no (?:playbook|kind|known kind)",
            r"do not (?:fit|match) (?:any|a) (?:playbook|kind)",
            r"(?:no|without a|without) (?:playbook|known kind)"
            r"|did not know what (?:it|they) (?:was|were)",
            r"(?:puzzled|baffled|confused|stumped) (?:by|you)|(?:puzzled|baffled|confused|stumped)",
        ),
        {"is_unrecognised": True, "is_open": True},
    ),
    (
        phrase(
            r"(?:sorted|fixed|cleared|solved|resolved|healed|settled|closed) (?:itself|themselves)"
            r"(?: out| up)?",
            r"(?:went|gone|go|goes) away(?: by (?:itself|themselves)| on (?:its|their) own)?",
            r"(?:cleared|disappeared|vanished|resolved|solved)(?: up)? "
            r"(?:by (?:itself|themselves)|on (?:its|their) own)",
            r"(?:cleared|self cleared|self-cleared|disappeared|vanished)(?: up)?",
        ),
        {"states": (State.CLEARED,)},
    ),
    (
        phrase(
            r"(?:by|for|all by) (?:yourself|itself|themselves)|on (?:your"
            r"|its|their) own|automatically"
            r"|automatic|auto(?:-?(?:approved|run|resolved|handled|executed"
            r"|done))?|autonomous(?:ly)?"
            r"|unattended|unprompted|off (?:your|its) own bat|alone|single-?handed(?:ly)?",
            r"you (?:[^ ]+ ){0,3}yourself",
            r"without (?:asking(?: (?:us|me|anyone|anybody|first))?|a (?:human|person|soul|yes)"
            r"|any ?(?:one|body)(?: asking| approving| signing| saying yes| pressing)?"
            r"(?! (?:looking|noticing|deciding|answering|seeing|reading"
            r"|touching|caring|bothering|on))|us|me"
            r"|human(?: hands| touch)?|people|anyone's (?:ok|yes|approval)|approval"
            r"|(?:a |any )?(?:manager|sign off))",
            r"no (?:human|person) (?:involved|needed|asked|touched)"
            r"|under policy|by policy|policy alone",
            r"not asking (?:us|me|anyone|anybody)|nobody (?:had to|was asked|approved)",
        ),
        {"is_automatic": True},
    ),
    (
        phrase(
            r"(?:one|1|first|a single) (?:yes|approval|ok|signature|vote|sign off)(?: already)?"
            r"(?:,? (?:and|but|waits?|waiting|needs?"
            r"|missing).{0,30}(?:second|another|other|more|one))?",
            r"(?:half|part|partly|partially|half way|halfway) (?:approved|signed|signed off)",
            r"(?:needs?|missing|waits? for|waiting for|wants?|lacks?"
            r"|short of) (?:a |the |one |its )?"
            r"(?:second|another|other|more|last|2nd|further) (?:yes|approval"
            r"|ok|signature|vote|sign off)",
        ),
        {"is_part_approved": True, "is_open": True},
    ),
    (
        phrase(
            r"(?:needs?|needing|wants?|requires?|requiring|takes?|with) (?:two|2) "
            r"(?:yes(?:es)?|approvals?|people|signatures?|persons|sign offs?|oks?)",
            r"(?:two|2)-?(?: person| people)? (?:approvals?|signatures?)|four eyes|dual approval"
            r"|(?:two|2)[- ]person(?: limit| rule| approval)?",
        ),
        {"min_approvals": 2, "is_open": True},
    ),
    (
        phrase(
            rf"{_NOT} (?:been )?(?:yet )?(?:closed|ended|finished|completed"
            rf"|resolved|solved|fixed|done"
            r"|sorted|dealt with|handled|settled|over)(?: yet| with)?",
            r"(?:nobody|no one|not|never) (?:has |have |been |ever "
            r"|yet ){0,2}(?:closed|finished"
            r"|sorted|fixed|resolved|dealt with|handled|looked after|replied to|answered)",
        ),
        {"is_open": True},
    ),
    (
        phrase(
            rf"{_NOT} (?:one |body )?(?:yet |has |have |been "
            rf"|ever ){{0,3}}(?:decided|approved|signed"
            r"|touched|looked at)(?: on)?(?: it| them| yet)?",
            r"undecided|awaiting (?:a |the |its |their )?(?:decision"
            r"|approval|sign off)|unapproved|unsigned",
            r"nobody decided(?: it| them)?",
        ),
        {"states": (State.PROPOSED, State.REFERRED)},
    ),
    (
        phrase(
            r"(?:wait(?:s|ing)?|pending|stuck|hanging|held up) (?:on|for) (?:a |the |any |some )?"
            r"(?:decision|approval|sign off|yes|yes or no|green light|go ahead)s?",
            r"(?:in need of|needs?|needing|to be) (?:a |an )?(?:decision"
            r"|approval|approving|approved"
            r"|decided|sign off|signed off)",
            r"(?:still )?(?:to be decided|up for (?:a )?decision|on the table)",
        ),
        {"states": (State.PROPOSED,)},
    ),
    (phrase(r"snoozed|snoozing|asleep|sleeping|put off|postponed|on snooze"), {"is_snoozed": True}),
    (
        phrase(r"paused|on hold|halted|suspended|on pause|frozen"),
        {"is_paused": True},
    ),
    (
        phrase(
            r"(?:over ?due|late|past (?:its|their|the) (?:deadline|time"
            r"|due date|due)|past due|behind"
            r"|too (?:long|late)|out of time|(?:missed|blown|broke|breached"
            r"|breaching|blew|over|beyond)"
            r" (?:its|their|the)? ?(?:deadline|time|sla|limit)|out of sla|should have been decided"
            r"|lagging|behind schedule|delayed|tardy)(?: ones)?",
        ),
        {"is_overdue": True, "is_open": True},
    ),
    (
        phrase(
            r"(?:has |have |had |got |been |just )*(?:expired|timed out"
            r"|lapsed|ran out|run out of time)"
        ),
        {"states": (State.EXPIRED,)},
    ),
    (
        phrase(
            r"(?:done |fixed |handled |resolved |did |sorted |dealt with )?(?:it |them )?by hand"
            r"|manually|(?:handled|done|fixed|sorted) outside(?: of (?:you|the bot|here))?"
        ),
        {"decision": LastDecision.BY_HAND},
    ),
    (
        phrase(
            r"(?:handed|passed|given|hand|pass) (?:it |them )?(?:over|on|off|along|to someone else)"
            r"|reassigned|transferred|delegated|changed hands"
        ),
        {"decision": LastDecision.HANDED_OVER},
    ),
    (
        phrase(
            r"(?:taken|took|did (?:[^ ]+ )?take) (?:it |them |this )?back"
            r"|did (?:[^ ]+ )?(?:undo|reverse|revert)|undone|undid"
            r"|rolled back|reversed|reverted"
            r"|withdrawn after"
        ),
        {"decision": LastDecision.TAKEN_BACK},
    ),
    (
        phrase(r"withdrawn|called off|retracted"),
        {"states": (State.WITHDRAWN,)},
    ),
    (
        phrase(r"failed|went wrong|gone wrong|unknown outcome|outcome (?:is )?(?:unknown|unclear)"),
        {"states": (State.OUTCOME_UNKNOWN,)},
    ),
    (
        phrase(
            r"(?:being|are|is) (?:carried out|executed|running)"
            r"|running(?: right)? now|in flight"
        ),
        {"states": (State.RUNNING,)},
    ),
    (
        phrase(r"(?:high|highest|big|serious|severe) risks?|risky|riskiest|most risky|dangerous"),
        {"risk": RiskTier.HIGH, "is_open": True},
    ),
    (phrase(r"(?:medium|middle|moderate|mid) risks?"), {"risk": RiskTier.MEDIUM, "is_open": True}),
    (
        phrase(r"(?:low|lowest|little|small|no) risks?|harmless|risk free"),
        {"risk": RiskTier.LOW, "is_open": True},
    ),
)
#: How cases were decided, in the past.
DECISIONS: tuple[tuple[re.Pattern[str], LastDecision | None], ...] = (
    (phrase(_REJECTED), LastDecision.REJECTED),
    (phrase(_EDITED), LastDecision.EDITED),
    (phrase(rf"{_APPROVED}(?! (?:without|with no|but no) )"), LastDecision.APPROVED),
    (phrase(_DECIDED), None),
)
#: The same, in the words of "did we approve".
DECISION_VERBS: tuple[tuple[re.Pattern[str], LastDecision | None], ...] = (
    (phrase(rf"{_DID} {_FEW}{_REJECT}"), LastDecision.REJECTED),
    (phrase(rf"{_DID} {_FEW}(?:edit|change|adjust|amend|modify|tweak)"), LastDecision.EDITED),
    (phrase(rf"{_DID} {_FEW}(?:bother )?{_APPROVE}"), LastDecision.APPROVED),
    (phrase(r"bother(?:ed)? approving"), LastDecision.APPROVED),
    (phrase(rf"{_DID} {_FEW}{_DECIDE}"), None),
)
ENDED = phrase(_ENDED, rf"(?:did|have|has) {_FEW}{_CLOSE}", r"got (?:closed|done|finished)")
OPEN = phrase(
    r"(?:still )?(?:open(?! (?:it|a|an|up|the)(?![^ ]))|live|active"
    r"|alive|unresolved|unfinished|unsolved|unsettled"
    r"|unpaid|unanswered|ongoing|in progress|outstanding|pending|waiting|stuck|hanging|current"
    r"|around)",
    r"(?:waits?|sits?|wait|sit|sitting) (?:for|on) (?:somebody"
    r"|someone|anyone|anybody|people|a person)",
    r"right now|at the moment|currently|presently|so far open"
    r"|to (?:do|deal with|decide)|left(?: to do)?"
    r"|still (?:there|deciding|here)|(?:deciding|undecided)(?: on)?"
    r"|at stake|risking|at risk|exposed"
    r"|exposure|on the go|running about|going on|about to|getting|needs? (?:doing|attention|work)",
)
#: What waits on whom; the first that fits.
WAITS_ON = (
    phrase(
        rf"{_WAIT} {_FEW}(?:on|with|for|at|by|from|until|over to|over at|over with|of|upon) "
        rf"(?:the |our )?{_WHO}",
    ),
    phrase(
        rf"(?:needs?|needing|wants?|wanting|requires?|expects?|expecting"
        rf"|awaits?|awaiting|asks?|asked"
        rf"|missing|lacks?|due) {_FEW}(?:[^ ]+ ){{0,3}}(?:from|of|by) (?:the |our )?{_WHO}",
    ),
    phrase(
        rf"(?:needs?|awaits?|awaiting|requires?|for|on|wants?|missing|without|waiting for|at|in) "
        rf"(?:the )?{_WHO} (?:own )?(?:to )?(?:{_NOUN_OF_DECISION}|{_QUEUE})",
    ),
    phrase(rf"{_WHO} (?:own )?(?:{_NOUN_OF_DECISION}|{_QUEUE})"),
    phrase(
        rf"{_WHO} (?:still )?(?:needs?|have|has|had|must|should|ought|got"
        rf"|is supposed|are supposed|can|is|are) "
        rf"(?:still |yet )?(?:to )?(?:still |yet )?(?:be )?{_SIGN}",
    ),
    phrase(rf"(?:needs?|requires?|awaits?|awaiting|wants?) {_WHO}"),
    phrase(rf"(?:blocked|held up|stopped|delayed|slowed(?: down)?|kept) by (?:the |our )?{_WHO}"),
    phrase(rf"{_WHO} (?:is |are )?(?:blocking|holding(?: up)?|sitting on|delaying|stalling)"),
    phrase(rf"(?:for|on|with|from|to) {_WHO}(?: to {_SIGN}(?: on)?)?"),
)
HAS_TO = phrase(
    rf"(?:does|do|has|have) (?:the )?{_WHO} (?:still )?(?:have|need|got) (?:still )?to {_SIGN}",
)
ON_PLATE = phrase(
    rf"(?:does|has|is|do|have|are|on|in|at) (?:the )?{_WHO} (?:have "
    rf"|got |has |still |left )*(?:on|in|at) "
    rf"(?:her|his|their|its) {_QUEUE}",
)
MY_QUEUE = (
    phrase(
        r"(?:do|must|should|can|does|what|which|anything|something|that"
        r"|ones|one|need|have|stuff) (?:else )?i "
        r"(?:still )?(?:really |actually |even )?(?:need|have|must"
        r"|should|got|ought|am supposed|has|want)?"
        r"(?: got)?(?: to)? ?(?:still )?(?:be )?(?:approve|approving"
        r"|sign(?: off)?|ok|decide|do|look at"
        r"|review|check|act|answer|deal with|handle|tackle|action"
        r"|say yes|get to|clear|start|see|see to"
        r"|know|worry)(?: on| about| with| first)?(?: anything| something)?",
    ),
    phrase(
        r"(?:need|needs|want|wants|require|requires|expect|waiting|wait"
        r"|waits|left|pending|from|on|for|to|with|of) "
        r"(?:a |an |my |the )?(?:[^ ]+ ){0,4}(?:from|on|for|with) me",
    ),
    phrase(
        rf"my (?:own )?(?:{_QUEUE}|{_NOUN_OF_DECISION}|cases?|ones|stuff|work|tasks?|exceptions?"
        r"|items|cards?|jobs|turn|open (?:ones|cases|items|stuff))"
    ),
    phrase(r"(?:all |any |one |some |of )*mine(?: only)?|assigned to me|addressed to me"),
    phrase(
        r"(?:on|with|for|from|by|at|upon|to) me|needs? me|i (?:should"
        r"|must|have to|need to) (?:do|tackle|start|look|see)"
        r"|i (?:still |do )*owe|to ?do(?: list)?$|am i (?:blocking|holding (?:[^ ]+ )?up|late"
        r"|needed|the (?:bottleneck|problem)|the"
        r" blocker|sitting on|slowing)(?: on)?|i am (?:blocking"
        r"|holding up|sitting on|needed|late with)"
    ),
    phrase(
        r"(?:am|are) i (?:to|supposed to|expected to) (?:approve|decide"
        r"|sign|do|look)(?: off| at)?"
    ),
)
MY_DECISIONS = phrase(
    rf"(?:have|did|had) i (?:already |ever |just )?(?:{_APPROVED}|{_REJECTED}|{_DECIDED}|{_APPROVE}"
    rf"|{_REJECT}|{_DECIDE}|edited|edit|changed|change)",
    rf"i (?:have |had |just |already |ever )*(?:{_APPROVED}|{_REJECTED}|{_DECIDED}|edited|changed)",
    rf"(?:{_APPROVED}|{_REJECTED}|{_DECIDED}) by (?:me|myself)|my (?:own )?rejections",
)
DECIDED_BY = (
    phrase(r"did (?P<who>\{person\}) (?:do|get done|get through|clear)"),
    phrase(
        rf"(?:{_APPROVED}|{_REJECTED}|{_DECIDED}|edited"
        rf"|changed) (?:[^ ]+ )?by (?:the )?(?P<who>\{{person\}})"
    ),
    phrase(
        rf"(?P<who>\{{person\}}) (?:has |have |had |is |did |already "
        rf"|just |ever |recently |actually |so far )*"
        rf"(?:{_APPROVED}|{_REJECTED}|{_DECIDED}|{_OTHER})"
    ),
    phrase(
        rf"(?:did|has|had|have) (?P<who>\{{person\}}) (?:already |just "
        rf"|ever |actually |even )*(?:{_APPROVED}|{_REJECTED}"
        rf"|{_DECIDED}|{_APPROVE}|{_REJECT}|{_DECIDE}|{_OTHER}|edit"
        rf"|change|hand (?:over|on|off)|take back|undo)"
    ),
    phrase(r"(?:decisions?|approvals?|rejections?) (?:of|by|from|made by) (?P<who>\{person\})"),
)
OWNED_BY = (
    phrase(
        r"(?P<who>\{person\}|\{group\}) (?:is |are |has |have "
        r"|currently |now |been |still |busy )*(?:working(?: on)?"
        r"|work(?:s)? on|handling|handles|looking after|looks after"
        r"|dealing with|deals with|owns?|on"
        r"|busy|busy with|carrying|doing|responsible for|in charge of|taking care of|got|took on"
        r"|taken on|picked up|claimed|assigned|juggling|tackling|up to|carries|running)",
    ),
    phrase(
        r"(?:owned by|assigned to|belong(?:s|ing)? to|taken on by"
        r"|claimed by|picked up by|handled by"
        r"|given to|looked after by|in the hands of"
        r"|run by) (?:the )?(?P<who>\{person\}|\{group\}|me)",
    ),
    phrase(
        r"(?:did|has|have) (?P<who>\{person\}) (?:take|taken|pick|picked|claim|claimed)(?: on| up)?"
    ),
    phrase(
        r"(?:has|does|is|do|have|are) (?P<who>\{person\}"
        r"|\{group\}) (?:have|got|own|anything|something|any|busy|on)"
    ),
    phrase(
        r"(?:am|is) (?P<who>i) (?:working on|handling|on|the owner of"
        r"|looking after|responsible for)"
    ),
    phrase(
        r"(?P<who>i) (?:am (?:working on|handling|looking after"
        r"|responsible for)|own|took on|have taken on|claimed)"
    ),
)
RAISED_BY = (
    phrase(
        r"(?:raised|reported|logged|opened|created|flagged|filed"
        r"|submitted|entered|put in|sent in|added)"
        r" (?:[^ ]+ )?by (?P<who>\{person\}|me|myself)"
    ),
    phrase(
        r"(?P<who>\{person\}|i) (?:have |has |had |just |already |ever )*(?:raised|reported|logged"
        r"|opened|created|flagged|filed|submitted|entered|put in|sent in|brought up|added)"
    ),
    phrase(
        r"(?:have|did|has) (?P<who>\{person\}|i) (?:ever )?(?:raise"
        r"|report|log|open|flag|file|submit)(?:d|ed)?"
    ),
    phrase(r"(?P<who>my) (?:own )?reports?"),
)
APPROVER = (
    phrase(
        r"(?:where|which|that|what|if"
        r"|when)? ?(?:the )?(?P<who>\{group\}) (?:also )?(?:has|have"
        r"|must|needs?|is needed|are"
        r" needed|should|is required|are required|signs?|approves?"
        r"|come in|comes in)(?: also)?(?: to)?"
        r" ?(?:also )?(?:sign|approve|say yes|ok|agree|approval"
        r"|confirm)?(?: off)? ?(?:too|as well|also)",
    ),
    phrase(
        r"(?:above|over|beyond|past) (?:the|their"
        r"|its) (?:[^ ]+ )?limit (?:where|when|of"
        r"|for) (?:the )?(?P<who>\{group\})"
        r"(?: (?:has to|have to|must|needs? to|also))?(?: sign| approve"
        r"| say yes)?(?: off)?(?: too)?"
    ),
    phrase(
        r"(?:needs?|needing|requires?|requiring|wants?"
        r"|takes?) (?:also )?(?:the )?(?:a |an )?(?:yes|approval|ok"
        r"|sign off|signature|vote)"
        r" (?:of|from|by) (?:the )?(?P<who>\{group\}) (?:too|as well|also)"
    ),
    phrase(
        r"(?:needs?|requires?|requiring|needing"
        r"|wants?) (?:the )?(?P<who>\{group\}) (?:too|as well|also)"
    ),
    phrase(
        r"(?:needs?|requires?|requiring"
        r"|needing) (?P<who>\{group\}) (?:approval|to sign|sign off"
        r"|to approve|signature)"
    ),
)
DUE = phrase(
    r"(?:is |are |be |become |becomes |falls? |fall |come |comes "
    r"|coming |will be |will become |have to be decided "
    r"|to be decided )*"
    r"(?:due|deadlines?|must be decided|need(?:s)? deciding|has to be decided|up for decision)"
)
EXPIRES = phrase(
    r"(?:the |its |their )?(?:approvals? )?(?:will |is |are "
    r"|about to |going to )*(?:runs? out|running out|expires?"
    r"|expiring|expiry|lapses?|lapsing|times? out|timing out|ends? unapproved)(?! of)",
    r"(?:the |its |their )?approvals? (?:will )?(?:ends?|ending|stops?)",
)
#: The day that goes without saying.
DAYS_OF_WORK = frozenset({"this_week", "today", "this_morning", "tonight", "tomorrow", "now"})
#: Nothing has come in these yet.
FUTURE = frozenset({"tomorrow", "next_week", "now"})
#: After "for" they are what somebody prepares for.
OCCASIONS = frozenset({*WEEKDAYS, "weekend", "tonight", "this_week"})
_ARRIVED = phrase(
    r"since|new|came|come|comes|coming|arrived|opened|raised"
    r"|from (?:the )?\{period\}|appeared|landed|reported"
)
_FIRST = phrase(r"(?:next|first|soonest)(?: (?:one|case|to))*", r"expires? (?:next|first|soonest)")
_WITHIN = phrase(
    r"(?:within|in|in under|inside|not later than|by|before|until"
    r"|no later than) (?:the )?\{period\}"
)
_SINCE = phrase(
    r"(?:since|after|starting|beginning|as of|back to|going back to) (?:the )?(?P<time>\{period\})"
    r"(?: on| onwards?)?",
    r"from (?:the )?(?P<time_on>\{period\}) (?:on|onwards?|until now|to now|up to now)",
)
_BEFORE = phrase(
    r"(?:before|prior to|earlier than|older than|up to|until" r"|preceding) (?P<time>\{period\})"
)
_BETWEEN = phrase(
    r"(?:between|from) (?P<begin>\{period\}) (?:and|to|until|through" r"|-) (?P<end>\{period\})"
)
_ANY_PERIOD = phrase(r"(?P<time>\{period\})")


@dataclass(slots=True)
class Filters:
    """The fields of a condition, as they are found."""

    fields: dict[str, Any] = field(default_factory=dict)
    #: Open and ended cases are meant.
    is_any: bool = False
    #: They were decided, in whatever way.
    is_decided: bool = False
    #: Times that say nothing of when cases came, in the asker's spelling.
    aside: list[str] = field(default_factory=list)
    #: Their places.
    occasions: set[int] = field(default_factory=set)
    #: The places of the people of whom something was said already.
    people: set[int] = field(default_factory=set)

    def add(self, fields: Fields) -> None:
        """Add fields; what was found first stays."""
        for name, value in fields.items():
            if name == "is_any":
                self.is_any = True
            else:
                self.fields.setdefault(name, value)

    @property
    def restricts_time_or_decision(self) -> bool:
        """Tell whether the cases need not be open to be meant."""
        return self.is_decided or any(
            self.fields.get(name)
            for name in (
                "opened",
                "decided",
                "ended",
                "decision",
                "decided_by",
                "is_automatic",
                "raised_by",
                "states",
                "is_snoozed",
                "channel",
            )
        )

    def condition(self) -> Condition:
        """Return the condition."""
        return Condition(**self.fields)


def find_filters(text: QuestionText) -> Filters:
    """Find the filters of a question, except kinds and names."""
    filters = Filters()
    _find_stakes(text, filters)
    _find_ages(text, filters)
    _find_people(text, filters)
    _find_flags(text, filters)
    _find_decision(text, filters)
    _find_states(text, filters)
    _find_times(text, filters)
    channels = text.values("channel")
    if channels:
        filters.add({"channel": str(channels[0])})
    return filters


def _find_stakes(text: QuestionText, filters: Filters) -> None:
    for bounds in text.values("money"):
        if isinstance(bounds, StakeBounds):
            if bounds.least is not None:
                filters.add({"min_stake": bounds.least})
            if bounds.most is not None:
                filters.add({"max_stake": bounds.most})


def _find_ages(text: QuestionText, filters: Filters) -> None:
    for time in text.values("period"):
        if isinstance(time, TimeExpression) and time.length is not None:
            if time.is_min_age:
                filters.add({"min_age": time.length})
            elif time.is_max_age:
                filters.add({"max_age": time.length})


def _find_people(text: QuestionText, filters: Filters) -> None:
    """Find who owns, decided, raised or holds up the cases."""
    for name, patterns in (
        ("approver", APPROVER),
        ("raised_by", RAISED_BY),
        ("decided_by", DECIDED_BY),
    ):
        _find_person(text, filters, name=name, patterns=patterns)
    if text.take(MY_DECISIONS):
        filters.add({"decided_by": ME})
    _find_person(text, filters, name="waits_on", patterns=(ON_PLATE, HAS_TO))
    _find_person(text, filters, name="owner", patterns=OWNED_BY)
    if "approver" not in filters.fields:
        _find_person(text, filters, name="waits_on", patterns=WAITS_ON)
    if not {"waits_on", "decided_by", "raised_by", "owner"} & set(filters.fields):
        for pattern in MY_QUEUE:
            if text.take(pattern):
                filters.add({"waits_on": ME})


def _find_person(
    text: QuestionText, filters: Filters, *, name: str, patterns: tuple[re.Pattern[str], ...]
) -> None:
    for pattern in patterns:
        match = text.search(pattern)
        if match is None:
            continue
        value = _person_of(text, match)
        place, _ = text.bounds(match, "who")
        if value and place not in filters.people:
            filters.add({name: value})
            filters.people.add(place)
            text.explain(match)
            return


def _person_of(text: QuestionText, match: re.Match[str]) -> str:
    """Return the person or group of a match, or nothing."""
    token = text.tokens_of(match, "who")[0]
    if token.word in {"me", "my", "i", "myself"}:
        return ME
    return token.value.value if isinstance(token.value, Mention) else ""


def _find_flags(text: QuestionText, filters: Filters) -> None:
    places: set[int] = set()
    for pattern, fields in FLAGS:
        for match in text.find_all(pattern):
            first, last = text.bounds(match)
            if places.issuperset(range(first, last)):
                continue
            places.update(range(first, last))
            text.explain(match)
            filters.add(fields)


def _find_decision(text: QuestionText, filters: Filters) -> None:
    if {"states", "is_part_approved", "is_automatic"} & set(filters.fields):
        return
    # "Which do I have to approve" tells of no decision.
    must_decide = "waits_on" in filters.fields or "approver" in filters.fields
    tables = DECISIONS if must_decide else DECISIONS + DECISION_VERBS
    for pattern, decision in tables:
        match = text.search(pattern)
        if match is None:
            continue
        text.explain(match)
        if decision is not None:
            filters.add({"decision": decision})
        else:
            filters.is_decided = True
        return


def _find_states(text: QuestionText, filters: Filters) -> None:
    is_decided = "decision" in filters.fields or "decided_by" in filters.fields
    has_state = is_decided or "states" in filters.fields
    if not has_state and text.take_new(ENDED) and "is_automatic" not in filters.fields:
        filters.add({"is_open": False})
    if text.take(OPEN) and "states" not in filters.fields:
        filters.add({"is_open": True})


def _find_times(text: QuestionText, filters: Filters) -> None:
    """Find the periods, and of what they are the periods."""
    is_due = text.search(DUE) is not None
    is_expiry = text.search(EXPIRES) is not None and "states" not in filters.fields
    if is_expiry and text.search(_FIRST) is not None:
        is_expiry = False
    if is_due:
        text.take(DUE)
    if is_expiry:
        text.take(EXPIRES)
    if not is_due and not is_expiry:
        _drop_occasions(text, filters)
    period = _find_period(text, filters.occasions)
    if is_expiry:
        filters.add({"expires_within": _end_name(period) or SOON, "is_open": True})
        return
    if is_due:
        _add_due(text, filters, period)
        return
    if period is None:
        return
    day = (period.begin or period.before).partition("@")[0]
    if day in DAYS_OF_WORK and _is_of_now(text, filters):
        return
    name = _period_field(filters)
    filters.add({name: period})


def _drop_occasions(text: QuestionText, filters: Filters) -> None:
    """Set aside times when no case can have come, like "tomorrow"."""
    for match in list(text.find_all(_ANY_PERIOD)):
        time = _time(text, match, "time")
        if time is None or not time.begin:
            continue
        place, _ = text.bounds(match)
        before = set(text.words[max(0, place - 2) : place])
        is_occasion = "for" in before and time.begin in OCCASIONS
        # "About table 9 tonight" is about a guest, "in tonight" about cases.
        is_evening = time.begin == "tonight" and text.search(_ARRIVED) is None
        if is_occasion or is_evening or time.begin in FUTURE or time.begin.startswith("+"):
            filters.occasions.add(place)
            filters.aside.append(text.tokens[place].spelling)


def _is_of_now(text: QuestionText, filters: Filters) -> bool:
    """Tell whether "today" is when the asker works."""
    return "waits_on" in filters.fields and text.search(_ARRIVED) is None


def _add_due(text: QuestionText, filters: Filters, period: Period | None) -> None:
    if period is None:
        return
    filters.add({"is_open": True})
    if period.begin == "now" or text.search(_WITHIN) is not None or not period.begin:
        filters.add({"due_within": _end_name(period)})
    else:
        filters.add({"due": period})


def _end_name(period: Period | None) -> str:
    if period is None:
        return ""
    return period.end or period.before or period.begin


def _period_field(filters: Filters) -> str:
    fields = filters.fields
    if filters.is_decided or "decision" in fields or "decided_by" in fields:
        return "decided"
    is_ended = fields.get("is_open") is False or "is_automatic" in fields
    ends = {State.EXPIRED, State.CLEARED, State.WITHDRAWN, State.RESOLVED, State.REJECTED}
    if is_ended or ends & set(fields.get("states", ())):
        return "ended"
    return "opened"


def _find_period(text: QuestionText, occasions: set[int]) -> Period | None:
    """Find the period that a question names."""
    match = text.search(_BETWEEN)
    if match is not None:
        begin, end = _time(text, match, "begin"), _time(text, match, "end")
        if begin and end:
            text.explain(match)
            return Period(begin=begin.begin, end=end.end or end.begin)
    for pattern, is_before in ((_BEFORE, True), (_SINCE, False)):
        match = text.search(pattern)
        if match is None:
            continue
        is_second = not is_before and match["time_on"] is not None
        time = _time(text, match, "time_on" if is_second else "time")
        if time is not None and time.begin:
            text.explain(match)
            return Period(before=time.begin) if is_before else Period(begin=time.begin)
    for match in text.find_all(_ANY_PERIOD):
        time = _time(text, match, "time")
        is_occasion = text.bounds(match)[0] in occasions
        if time is not None and time.begin and not is_occasion:
            return Period(begin=time.begin, end=time.end)
    return None


def _time(text: QuestionText, match: re.Match[str], group: str) -> TimeExpression | None:
    value = text.tokens_of(match, group)[0].value
    return value if isinstance(value, TimeExpression) else None
