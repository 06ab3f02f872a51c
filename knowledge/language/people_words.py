"""Words that say whose cases are meant.

Cases of those who must act, decided, own or raised them.
"""

import re

from knowledge.language.condition_words import (
    APPROVE,
    APPROVED,
    CONSENTS,
    DECIDE,
    DECIDED,
    GIVE,
    OTHER,
    REFUSALS,
    REJECT,
    REJECTED,
)
from knowledge.language.question_text import phrase

_WHO = r"(?P<who>\{person\}|\{group\}|me|us)"
_FEW = r"(?:[^ ]+ ){0,3}"
_WAIT = (
    r"(?:waiting|waits?|waited|stuck|sitting|sits?|pending|held up|holding|backed up|parked|blocked"
    r"|hanging|piled up|piling up|queued(?: up)?|queuing|queueing|lying|lies|left|stalled|hung up"
    r"|stopped|jammed|outstanding|resting|depends?|depending|dependent|in the hands|landed|is|are"
    r"|still|relying|hinges?|hinging|bogged down|clogged up|languishing|gathering dust)"
)
_SIGN = (
    r"(?:approve|sign(?: off)?|ok|decide|say|do|look at|review|check|act|answer|deal with|handle"
    r"|authori[sz]e|confirm|respond|reply|take care of|see to|give|clear|tackle|action|get to"
    r"|make (?:a |the )?(?:call|decision)|get through|get done|attend to|rule on|vote|weigh in"
    r"|(?:have|take|cast|get) (?:a |an |another )?(?:quick |close |good )?(?:look|eye|peek|glance)"
    r"(?: at| over| into)?|get back|sort(?: out)?|finish|reject|accept|agree|green ?light)"
)
_SIGNING = (
    r"(?:approving|signing(?: off)?|deciding(?: on)?|looking at|reviewing|checking|answering"
    r"|dealing with|handling|authori[sz]ing|confirming|clearing|tackling|actioning|acting on"
    r"|doing|working through|seeing to|ruling on|attending to)"
)
_NOUN_OF_DECISION = (
    r"(?:ok|okay|yes|approval|approvals|sign off|sign offs|signature|signatures|sig|decision"
    r"|decisions|answer|answers|attention|input|go ahead|nod|call|say so|verdict|yes or no|action"
    r"|response|reply|thumbs up|green light|blessing|say|confirmation|authori[sz]ation|vote"
    r"|eyes|autograph|ok or no)"
)
_QUEUE = (
    r"(?:queue|plate|desk|list|inbox|pile|tray|in-tray|in tray|court|lap|to do|to dos|to-do|to-dos"
    r"|todo|todos|to do list|todo list|to-do list|backlog|hands|side|name|table|stack|end|corner"
    r"|bucket|basket|hook|radar|docket|agenda|watch|worklist|work list)"
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
        rf"(?:needs?|awaits?|awaiting|requires?|for|on|wants?|missing|without|waiting for|at|in|to"
        rf"|until) (?:the )?{_WHO} (?:own )?(?:to )?(?:{_NOUN_OF_DECISION}|{_QUEUE})",
    ),
    phrase(rf"{_WHO} (?:own )?(?:{_NOUN_OF_DECISION}|{_QUEUE})"),
    phrase(
        rf"{_WHO} (?:still )?(?:needs?|have|has|had|must|should|ought|got|has got|have got|is meant"
        rf"|are meant|is supposed|are supposed|can|is|are|is due|owes?|is yet|are yet) "
        rf"(?:still |yet )?(?:to )?(?:still |yet )?(?:be )?(?:{_SIGN}|{_SIGNING})",
    ),
    phrase(rf"{_WHO} (?:still )?(?:owes?|has not (?:answered|decided|signed|approved|looked))"),
    phrase(
        r"(?:until|till|unless|before|once|if|after) (?:the )?"
        rf"{_WHO} (?:has |have |had )?(?:{_SIGN}s?|{APPROVED}|{DECIDED}|says?|gives?|given|signs?"
        rf"|decides?|acts?|answers?|responds?|moves?)",
    ),
    phrase(
        r"(?P<who>\{group\}) (?:still |now |currently )*(?:have|has|had|got|has got|have got)"
        r" (?:still |yet |got )*(?:anything|something|any|some|stuff|things|cases|ones|much|one)?"
        r" ?(?:still |left |more )*(?:pending|waiting|outstanding|unanswered|undecided|to decide"
        r"|to do|to approve|to sign|left|on hold|in the pipeline)"
    ),
    phrase(
        r"(?:do|does|has|have) (?:the |our )?(?P<who>\{group\}) (?:still |now |currently )*"
        r"(?:have |got )?(?:still )?(?:anything|something|any|some|stuff|things|cases|ones)"
        r" (?:still |left )*(?:pending|waiting|outstanding|unanswered|undecided|to decide|to do"
        r"|to approve|to sign|left)"
    ),
    phrase(rf"(?:down|up) to (?:the )?{_WHO}"),
    phrase(rf"(?:needs?|requires?|awaits?|awaiting|wants?) {_WHO}"),
    phrase(
        rf"(?:blocked|held up|held back|stopped|delayed|slowed(?: down)?|kept|stalled)"
        rf" by (?:the |our )?{_WHO}"
    ),
    phrase(
        rf"{_WHO} (?:is |are |has been |have been )?(?:blocking|holding(?: up| back)?|sitting on"
        rf"|delaying|stalling|slowing)"
    ),
    phrase(rf"(?:for|on|with|from|to) (?:the |our )?{_WHO}(?: to {_SIGN}(?: on)?)?"),
)
MUST_ACT = phrase(
    rf"{_WHO} (?:still )?(?:needs?|have|has|had|must|should|ought|got|has got|have got|is meant"
    rf"|are meant|is supposed|are supposed|is due|owes?|is yet|are yet) (?:still |yet )?to "
    rf"(?:still |yet )?(?:be )?(?:{_SIGN}|{_SIGNING})",
)
HAS_NOT_ACTED = phrase(
    rf"(?:has|have|did|does) (?:the )?{_WHO} (?:still |yet )*not (?:yet |been )*"
    rf"(?:{APPROVED}|{DECIDED}|{_SIGN}|looked(?: at)?|replied|responded|reacted|got to|touched)",
)
HAS_TO = phrase(
    rf"(?:does|do|has|have|should|must|can) (?:the )?{_WHO} (?:still )?(?:have|need|got)? ?"
    rf"(?:still )?(?:to )?{_SIGN}",
)
ON_PLATE = phrase(
    rf"(?:does|has|is|do|have|are|on|in|at) (?:the )?{_WHO} (?:have "
    rf"|got |has |still |left )*(?:on|in|at) "
    rf"(?:her|his|their|its) {_QUEUE}",
)
_I_MUST = (
    r"(?:still |really |actually |even |just |now |also )*(?:need|have|must|should|got|ought"
    r"|am supposed|am meant|am expected|has|want|supposed|meant|gotta|can)?"
    r"(?: got)?(?: to)? ?(?:still |now )?(?:be )?"
)
MY_QUEUE = (
    re.compile(
        r"^(?:(?:the|my|show|open|check|to|in|on|and|what is|whats|anything|list) )*(?:inbox"
        r"|in-tray|in tray|worklist|work list|to dos?|todos?|to-dos?|to do list|todo list|plate"
        r"|homework)(?: please| now| today)?$"
    ),
    phrase(
        r"(?:needs?|needing|wants?|wanting|requires?|requiring|awaits?|awaiting)(?: from| of)? me",
        r"(?:decisions|approvals|yeses|answers|cases|sign offs|things) (?:have|do|can|must|should"
        r"|could|may) i (?:still |now |quickly )*(?:got|have|get|give|clear|knock|do|make|take|tick"
        r"|finish|sort)(?: left| done| off| out of the way)?",
    ),
    phrase(
        r"(?:anything|something|what|which|whatever|everything|stuff|ones|cases|things) "
        r"(?:[^ ]+ ){1,3}i (?:still |really |actually |urgently )*(?:need|have|must|got|ought|gotta"
        rf"|am supposed|am meant)(?: got)?(?: to)? (?:be )?(?:{_SIGN}|{_SIGNING})",
    ),
    phrase(
        r"i (?:have |had |still |just )*(?:not|never) (?:yet |even |actually |been able to )*"
        rf"(?:{APPROVED}|{REJECTED}|{DECIDED}|{APPROVE}|{DECIDE}|looked(?: at)?|got(?:ten)? to"
        r"|done|seen|opened|started|cleared|touched|finished|replied to|responded to|acted on)"
        r"(?: on| yet| to)*",
    ),
    phrase(
        r"(?:do|must|should|shall|can|does|am|what|which|anything|something|that"
        rf"|ones|one|need|have|stuff|whatever|everything|things|cases|where) (?:else |all )?"
        rf"i {_I_MUST}(?:{_SIGN}|{_SIGNING}|start|see|know|worry)"
        r"(?: on| about| with| first| to)?(?: anything| something)?(?: (?:an? |my )?"
        rf"{_NOUN_OF_DECISION})?",
    ),
    phrase(
        r"(?:need|needs|needed|needing|want|wants|wanted|wanting|require|requires|required|expect"
        r"|expects|expected|expecting|after|awaiting"
        r"|waiting|wait|waits|left|pending|outstanding|from|on|for|to|with|of|missing|due) "
        r"(?:a |an |my |the )?(?:[^ ]+ ){0,4}(?:from|on|for|with|by|of|off|out of) me",
    ),
    phrase(
        rf"my (?:own |open |outstanding |pending |current )*(?:{_QUEUE}|{_NOUN_OF_DECISION}|cases?"
        r"|ones|stuff|work|tasks?|exceptions?|items|cards?|jobs|turn|homework|bits|things"
        r"|workload|responsibilities|business|share|backlog|open (?:ones|cases|items|stuff))"
    ),
    phrase(
        r"(?:all |any |one |some |of )*mine(?: only)?|(?:assigned|addressed|sent|passed|directed"
        r"|given|routed) to me"
    ),
    phrase(
        r"(?:on|with|for|from|by|at|upon|to) me|needs? me|i (?:should"
        r"|must|have to|need to) (?:do|tackle|start|look|see)|(?:i mean|that is|meaning|i e|aka) me"
        r"|i (?:still |do )*owe|(?:to ?dos?|to-dos?)(?: list)?$|am i (?:blocking"
        r"|holding (?:[^ ]+ )?(?:up|back)?|late|needed|the (?:bottleneck|problem|hold up|one)|the"
        r" blocker|sitting on|slowing|stopping|delaying|keeping|wanted|in the way"
        r"|on the hook(?: for)?)(?: on)?"
        r"|i am (?:blocking|holding up|sitting on|needed|late with|delaying)"
    ),
    phrase(
        r"(?:am|are) i (?:to|supposed to|expected to|meant to|due to) (?:be )?"
        rf"(?:{_SIGN}|{_SIGNING})(?: off| at| on)?"
    ),
)
#: What cannot go on without me, whatever tense it is in.
UNTIL_I_ACT = phrase(
    r"(?:until|till|unless|(?:(?:can|could|will|would|does|do) not"
    r"|(?:nobody|no one|nothing) (?:can|may|could|will|is)) (?:[^ ]+ ){1,4}before) "
    r"(?:i (?:have |do |actually |personally |finally |get round to )*(?:given|give|giving|said|say"
    r"|answered|answer|decided|decide|signed|sign|approved|approve|ok|act|acted|look|looked"
    r"|respond|responded|reply|replied|made|make|done|do|move|moved|chosen|choose|press|pressed"
    r"|confirm|confirmed|nod|nodded|consent|intervene|speak|step|chime|weigh|agree|agreed|reject"
    r"|rejected|refuse|refused|review|reviewed"
    r"|check|checked|authori[sz]ed?|clear|cleared)"
    r"(?: (?:in|off|yes|no|ok|something|it|them|this|that|or|and|to|on|at|rejected|reject|refused"
    r"|refuse|turned|down|declined|approved|approve|either|way))*"
    rf"(?: (?:an? |my |the )?{_NOUN_OF_DECISION})?(?: on it)?)",
    r"(?:can|could|will|would|does|do) not (?:[^ ]+ ){1,3}without (?:little |old |poor )*"
    rf"(?:me|my (?:{_NOUN_OF_DECISION}|help))",
)
#: The same of others.
UNTIL_THEY_ACT = phrase(
    rf"(?:until|till|unless) (?:the )?{_WHO} (?:has |have |had |actually |finally )*"
    rf"(?:{APPROVED}|{DECIDED}|{REJECTED}|{_SIGN}s?|says?|gives?|given|signs?)"
    r"(?: (?:yes|no|ok|it|them|off|on|or|and|so|one way|the other))*",
)
MY_DECISIONS = phrase(
    rf"(?:{CONSENTS}|{REFUSALS}) (?:did|do|have|had) i (?:[^ ]+ )?{GIVE}",
    r"(?:decisions|approvals|refusals|rejections|yeses|noes) (?:made |taken |given )?by (?:me"
    r"|myself)",
    rf"i (?:have |had |ever |just |already )*{GIVE} (?:[^ ]+ )?(?:{CONSENTS}|{REFUSALS})",
    r"(?:have|did|had) i (?:already |ever |just |personally |myself |actually |even )*"
    rf"(?:{APPROVED}|{REJECTED}|{DECIDED}|{APPROVE}"
    rf"|{REJECT}|{DECIDE}|edited|edit|changed|change)",
    rf"i (?:have |had |just |already |ever |personally )*(?:{APPROVED}|{REJECTED}|{DECIDED}|edited"
    r"|changed)",
    r"my (?:own |personal |total )*(?:score|tally|count|number|record|list|share"
    r"|total) of (?:all )?"
    r"(?:refusals|rejections|approvals|nos|noes|yeses|decisions|denials)",
    rf"(?:{APPROVED}|{REJECTED}|{DECIDED}) by (?:me|myself)|my (?:own |past |last |previous )*"
    r"(?:rejections|refusals)|my (?:past|previous|last|own) (?:approvals|decisions)",
)
DECIDED_BY = (
    phrase(
        r"(?P<who>\{person\}) (?:what|which|which ones|which cases|how many)(?: all)? (?:has |have "
        r"|had |did )?(?:he|she|they) (?:has |have |had |already )*"
        rf"(?:{APPROVED}|{REJECTED}|{DECIDED}|{APPROVE}|{REJECT}|{DECIDE})"
    ),
    phrase(r"did (?P<who>\{person\}) (?:do|get done|get through|clear)"),
    phrase(
        rf"(?<!being )(?:{APPROVED}|{REJECTED}|{DECIDED}|edited"
        rf"|changed) (?:[^ ]+ )?by (?:the )?(?P<who>\{{person\}})"
    ),
    phrase(
        rf"(?P<who>\{{person\}}) (?:has |have |had |is |did |already |also |only |personally "
        rf"|just |ever |recently |actually |so far |\{{period\}} )*"
        rf"(?:{APPROVED}|{REJECTED}|{DECIDED}|{OTHER})"
    ),
    phrase(
        rf"(?:did|has|had|have) (?P<who>\{{person\}}) (?:already |just "
        rf"|ever |actually |even |personally )*(?:{APPROVED}|{REJECTED}"
        rf"|{DECIDED}|{APPROVE}|{REJECT}|{DECIDE}|{OTHER}|edit"
        rf"|change|hand (?:over|on|off)|take back|undo)"
    ),
    phrase(
        r"(?:decisions?|approvals?|rejections?|refusals?|yeses|nos|calls|sign offs?) "
        r"(?:of|by|from|made by|taken by|given by) (?P<who>\{person\})"
    ),
    phrase(
        r"(?P<who>\{person\}) (?:own )?(?:decisions|approvals|rejections|refusals)"
        r"(?= (?:from |of |in |on |since )*\{period\}| so far)"
    ),
)
OWNED_BY = (
    phrase(
        r"(?P<who>\{person\}|\{group\}) (?:is |are |has |have "
        r"|currently |now |been |still |busy |personally )*(?:working(?: on| through)?"
        r"|work(?:s)? on|handling|handles|looking after|looks after"
        r"|dealing with|deals with|owns?|on(?! (?:leave|holiday|vacation))"
        r"|busy|busy with|carrying|doing|responsible for|in charge of|taking care of|got|took on"
        r"|taken on|picked up|claimed|assigned|juggling|tackling|up to|carries|running|minding"
        r"|managing|manages|takes care of|in the lead on|leading|stuck in|into)",
    ),
    phrase(
        r"(?:being (?:dealt with|handled|looked after|managed|worked on|tackled|sorted(?: out)?) by"
        r"|owned by|assigned to|belong(?:s|ing)? to|taken on by"
        r"|claimed by|picked up by|handled by|managed by|allocated to|under"
        r"|given to|looked after by|in the hands of|in the care of"
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
        r"(?:am|is) (?P<who>i) (?:working on|handling|on(?! the hook)|the owner of"
        r"|looking after|responsible for|in charge of)"
    ),
    phrase(
        r"(?P<who>i) (?:am (?:working on|handling|looking after"
        r"|responsible for|in charge of)|own|took on|have taken on|claimed|have claimed"
        r"|picked up|have picked up)"
    ),
)
_RAISED = (
    r"(?:raised|reported|logged|opened|created|flagged|filed|submitted|entered|put in|sent in"
    r"|added|brought up|noted|registered|typed in|lodged|wrote up|written up|recorded|posted)"
)
RAISED_BY = (
    phrase(rf"{_RAISED} (?:[^ ]+ )?by (?P<who>\{{person\}}|me|myself)"),
    phrase(
        rf"(?P<who>\{{person\}}|i) (?:have |has |had |just |already |ever |myself )*{_RAISED}",
    ),
    phrase(
        r"(?:have|did|has) (?P<who>\{person\}|i) (?:ever )?(?:raise|report|log|open|flag|file"
        r"|submit|create|bring up|put in|enter|note|record|lodge)(?:d|ed)?"
    ),
    phrase(r"(?P<who>my) (?:own )?reports?"),
)
APPROVER = (
    phrase(
        r"(?:needs?|needing|requires?|requiring|calls? for|demands?|takes?) (?:also )?"
        r"(?:the |an? )?(?:explicit |formal |written )?(?:approval|sign off|consent|signature"
        r"|authori[sz]ation|agreement|blessing|yes|ok|okay|vote) (?:of|by) (?:the |our )?"
        r"(?P<who>\{group\})"
    ),
    phrase(
        r"(?:must|have to|has to|need to|needs to|should) be (?:approved|signed(?: off)?|ok"
        r"|authori[sz]ed|confirmed) by (?:the |our )?(?P<who>\{group\})(?: too| as well| also)?"
    ),
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
        r"|wants?|involv(?:es?|ing)) (?:the )?(?P<who>\{group\}) (?:too|as well|also)"
    ),
    phrase(
        r"(?:needs?|requires?|requiring"
        r"|needing) (?P<who>\{group\}) (?:approval|to sign|sign off"
        r"|to approve|signature|as (?:an )?approvers?)"
    ),
)
