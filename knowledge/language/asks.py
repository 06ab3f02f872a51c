"""What a question asks, by rules over its masked words and by a learned classifier.

A label is an ``Ask``, or one with an ``About``, ``Act`` or ``Measure`` after a full stop.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from bot.ports.language import Guess
from bot.views.query import About, Act, Ask, Measure, Query
from knowledge.language.question_text import QuestionText, phrase


class Weight(IntEnum):
    """How much a rule counts against the guesses of a classifier."""

    #: Only where nothing was learned.
    WEAK = 0
    #: Unless a guess is sure.
    LIKELY = 1
    #: Always.
    SURE = 2


#: From this confidence on, a guess is taken before a rule that is only likely.
SURE_GUESS = 0.8
#: Below this one, a guess alone is offered, not taken.
MIN_GUESS = 0.4
#: Two guesses so close to each other are a doubt.
MIN_LEAD = 0.12

_ACT_BEGIN = (
    r"^(?:(?:no|yes|ok|so|then|now|right|well|hi|hey|hello|please|just|actually|lets|let us|and"
    r"|bot|countersign|go ahead(?: and)?|can you|could you|would you|will you|you should|i want you to"
    r"|i want to|i would like to|i would like you to|want to|need to|we need to|you can|system:?"
    r"|do|kindly|quickly|also|people|everyone|all|immediately|i need you to|i need to|let me|you must"
    r"|can we|could we|can i|could i|may i|we should|we want to|we can) )*"
)
_IT = r"(?:it|this|that|them|these|those|all|everything|\{case\}|\{name\}|the|mine|my|both|any|one|every)"
_CAN_SAY_YES = (
    r"(?:approve|sign(?: off)?|say yes|ok|decide|authori[sz]e|agree|give (?:the|a) (?:ok|yes|nod|go ahead)"
    r"|green ?light|vote|press the button|release|let (?:it|this) through)"
)
_DECIDED = (
    r"(?:approved|rejected|decided|signed(?: off)?|said (?:yes|no)|turned (?:it |this |that |\{case\} )?down"
    r"|declined|refused|agreed|accepted|authori[sz]ed|ok|pressed|let \S+ through|waved \S+ through|made the (?:call|decision))"
)
_GREETING = (
    r"(?:hi|hello|hey|hiya|yo|morning|afternoon|evening|thanks|thank|cool|nice|great|ok|lol|haha|ha|hehe"
    r"|bye|goodbye|later|perfect|brilliant|awesome|super|ace|lovely|mate|well|sorry|oops|worries|mind"
    r"|legend|star|sweet|sound|fab|fantastic|wonderful|excellent|happy|best|love|fine|alright|wow|yay|phew"
    r"|amazing|test|testing|ping|hmm|hm|aha|ah|oh|understood|noted|appreciated|helpful|night|day)"
)
_SMALL = (
    r"(?:hi|hello|hey|hiya|yo|morning|afternoon|evening|good|thanks|thank|you|so|much|very|cool|nice|great"
    r"|ok|lol|haha|ha|hehe|bye|goodbye|see|later|perfect|brilliant|awesome|super|ace|lovely|job|work|done"
    r"|bot|mate|well|sorry|oops|no|worries|problem|never|mind|all|there|everyone|team|day|night|got|it"
    r"|legend|star|sweet|sound|fab|fantastic|wonderful|excellent|happy|friday|monday|a|the|for|that|your|best|are"
    r"|love|that|this|right|fine|alright|wow|yay|phew|sure|yes|again|lot|lots|many|is|amazing|help|and|have|one"
    r"|weekend|of|\{person\}|\{period\}|am|i|just|testing|test|ping|hmm|hm|aha|ah|oh|understood|noted|appreciated|been|helpful)"
)

RULES: tuple[tuple[re.Pattern[str], str, Weight], ...] = (
    # Nothing about cases.
    (phrase(r"select (?:\*|[^ ]+) from|drop table|insert into|delete from|union select|update [^ ]+ set"), "out_of_scope", Weight.SURE),
    (phrase(r"(?:repeat|print|reveal|show|tell|output|what (?:is|are)|give)(?: me)?(?: us)? (?:[^ ]+ ){0,3}(?:(?:system |hidden |secret |initial )?(?:prompt|instructions)|system message|api key|password|passwords|token|secrets?)"), "out_of_scope", Weight.SURE),
    (phrase(r"(?:has|have|did|does|is|was) \{person\} (?:been |ever |already )*(?:ask(?:ed|ing)?|search(?:ed|ing)?|look(?:ed|ing)? (?:up|for)|chat(?:ted|ting)?|talk(?:ed|ing)?|say(?:ing)?|writ(?:e|ten|ing)|want(?:ed)? to know) (?:from |to |with )?(?:you|about|of you)", r"(?:questions|chats?|searches|messages) (?:of|by|from|with) \{person\}", r"\{person\} (?:questions|chats?|searches|dms|messages)"), "out_of_scope", Weight.SURE),
    (phrase(r"weather|rain(?:ing|y)?|forecast|temperature outside|capital of|recipe|poem|joke|song|translate|bus|train|taxi|football|who won|score|write (?:me )?(?:a|an|the|some)|draft (?:me )?(?:a|an)|compose|horoscope|news headlines|stock market|share price|bitcoin|meaning of life|what is \d+ ?[x*+/-] ?\d+|flight|netflix|movie|film|lottery|birthday|population of|president|prime minister"), "out_of_scope", Weight.LIKELY),
    (re.compile(rf"^(?=(?:[^ ]+ )*{_GREETING}(?![^ ])){_SMALL}(?: {_SMALL}){{0,7}}$"), "small_talk", Weight.LIKELY),
    (phrase(r"are you (?:a |an )?(?:real|human|robot|bot|person|machine|ai|alive|there|ok|well|sentient)(?: [^ ]+)?", r"how are you(?: doing)?|how is it going|who (?:made|built|wrote) you|do you (?:sleep|dream|have feelings|like|love|ever sleep)(?: [^ ]+){0,2}|(?:are you )?having (?:a )?(?:good|nice|busy) day|what is your name|you (?:are|is) (?:the |a |so )?(?:great|best|star|genius|brilliant|good|useless|rubbish|stupid|funny)"), "small_talk", Weight.LIKELY),
    # Acts.
    (re.compile(rf"{_ACT_BEGIN}(?:un-?pause|resume|restart|start (?:[^ ]+ ){{0,3}}again|switch (?:[^ ]+ ){{0,4}}(?:back )?on|turn (?:[^ ]+ ){{0,4}}(?:back )?on|lift the pause|re-?enable)\b"), "act.resume", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:pause|halt|stop (?:all |the |any |every )?(?:[^ ]+ ){{0,3}}(?:orders|ordering|payments|paying|automatic|everything|automation|running|actions)|hold all|freeze|switch (?:[^ ]+ ){{0,4}}off|turn (?:[^ ]+ ){{0,4}}off|suspend)\b"), "act.pause", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:undo|take (?:{_IT} )?(?:[^ ]+ )?back|revert|roll (?:{_IT} )?back|reverse|cancel (?:that|it|this|the|\{{case\}})|withdraw|bring (?:it|that) back)\b"), "act.take_back", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:approve|sign off|sign|say yes to|ok|authori[sz]e|accept|green ?light|let (?:it|this|\{{case\}}) through|press (?:approve|yes)|wave) (?:(?:on|off|off on) )?{_IT}(?! i )"), "act.approve", Weight.SURE),
    (re.compile(r"^(?!(?:[^ ]+ )*(?:who|why|when|what|how|can i|may i|which)(?![^ ]))(?:[^ ]+ )*(?:approve|sign off) \{case\}(?: and| for| now| please|$)"), "act.approve", Weight.LIKELY),
    (re.compile(rf"{_ACT_BEGIN}(?:approve|approved|yes approve|accept|go ahead|do it)(?: please| now)?$"), "act.approve", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:reject|decline|refuse|turn (?:{_IT} )?down|say no to|deny|veto|bin|kill|dismiss)(?![^ ])"), "act.reject", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:snooze|postpone|put (?:{_IT} )?off|park|remind me (?:of|about) (?:{_IT})|come back to|ask me again|wake me|defer|sleep on|hide|not now)(?![^ ])"), "act.snooze", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:remind|nudge|ping|poke|chase|chase up|prod|give) (?:up )?(?:\{{person\}}|\{{group\}}|them|him|her|whoever|everyone|the)(?: (?:a )?(?:nudge|reminder|poke|push|shout|about|to|on|of|again|please|that|for).*)?$"), "act.remind", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:give|hand|pass|assign|re-?assign|transfer|move|send|forward|delegate|refer|escalate) (?:{_IT} )?(?:[^ ]+ ){{0,3}}(?:over )?(?:to|for|onto|along) (?:the )?(?:\{{person\}}|\{{group\}}|someone|somebody)"), "act.hand_over", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:(?:\{{person\}}|\{{group\}}) (?:should|can|could|will|must) (?:take|have|do|handle|own) (?:it|this|that|\{{case\}})|let (?:\{{person\}}|\{{group\}}) (?:take|have|do|handle|own|deal with))"), "act.hand_over", Weight.SURE),
    (re.compile(rf"{_ACT_BEGIN}(?:claim|i will (?:take|do|handle|own|look after|deal with)|(?:let me |i can |i )(?:take|handle|do|own|have) (?:it|this|that|\{{case\}})|take (?:it|this|that|\{{case\}})$|assign (?:{_IT} )?to me|give (?:{_IT} )?to me|give me (?:this|that|it|\{{case\}})|put me (?:on|down)|i am (?:on it|taking)|mine now|this is mine)(?![^ ])"), "act.claim", Weight.SURE),
    (re.compile(r"i am (?:[^ ]+ ){0,2}(?:off|away|out|on (?:holiday|leave|vacation)|sick|ill|not in)(?![^ ]).*\{person\}|\{person\} (?:does|covers?|has|takes?|handles?|stands? in|is doing|will (?:do|cover|take|handle)) (?:for )?(?:mine|me|my)(?![^ ])|(?:cover|stand in|fill in|deputise) for (?:me|\{person\}) (?:until|while|this|next|on|\{period\})|make \{person\} my (?:deputy|stand in|replacement)|(?:let|have|set|put) \{person\} (?:[^ ]+ ){0,2}(?:stand|cover|fill|deputise|decide|approve|step)(?:ing)?(?: in)? (?:for )?(?:me|mine|my)|\{person\} (?:to |should |can |will )?(?:stand|stands|fill|cover|step)s?(?: in)? for me"), "act.stand_in", Weight.SURE),
    (re.compile(rf"(?:{_ACT_BEGIN}|\bplease |someone |somebody |you )(?:log|raise|report|file|record|open|create|register|note) (?:it|this|that|a (?:new )?(?:case|ticket|exception|issue|problem)|an exception|a problem)(?![^ ])"), "act.raise", Weight.LIKELY),
    (re.compile(rf"{_ACT_BEGIN}(?:edit|amend|adjust|modify|change (?:it|this|that|the|to|\{{case\}})|make (?:it|that|this|them) (?:\d+|\{{money\}}|less|more|only)|order (?:only |just )?(?:\{{money\}}|[a-z]* ?\d+|less|more|fewer)|set (?:it|this|the|quantity)|reduce|lower|raise the|increase|use \d+|(?:only |just )?\d+ (?:not|instead|rather)|\{{money\}} (?:not|instead))(?![^ ])"), "act.edit", Weight.SURE),
    # The product.
    (re.compile(r"^(?:help|\?|help me|please help|i need help|usage|commands|how do(?:es)? (?:this|it|you) work|how do i use (?:this|you|it))$"), "help.asking", Weight.SURE),
    (phrase(r"what (?:can|could|may|should) (?:i|we) ask(?: you)?|how (?:do|can|should) i (?:ask|use|talk to|query|search)|what (?:questions|commands)|example questions"), "help.asking", Weight.LIKELY),
    (phrase(r"how (?:do|can|could|should|would|to) ?(?:i|we|you|someone|one)? (?:raise|report|log|flag|add|file|submit|create|open|tell you|let you know|get (?:it|this|that|something|a)|put (?:it|this|that|something)|enter|register)", r"where (?:do|can) i (?:raise|report|log|flag|add|file)"), "help.raise", Weight.LIKELY),
    (phrase(r"(?:what|which|anything|things?) (?:[^ ]+ ){0,3}(?:can|could|do|will|are|is) (?:you |it )?not (?:be )?(?:you )?(?:able to )?(?:handle|do|deal with|cover|touch|manage|solve|know|support)", r"can you not|are you not able|(?:what|where) are your (?:limits|limitations|gaps|blind spots)|what (?:is|are) (?:beyond|outside|out of) your?", r"(?:do|can) you (?:also )?(?:do|handle|cover|deal with|process|issue|manage|book|make|order|pay|sort) (?!(?:alone|it|this|that|\{case\}|i|on|by|without))[^ ]+(?: [^ ]+)?$"), "capability.cannot", Weight.LIKELY),
    (phrase(r"(?:how much|what) (?:[^ ]+ ){0,2}(?:are|may|can|could) you (?:allowed|permitted|able)? ?(?:to )?(?:spend|approve|pay|commit|sign)", r"(?:your|the) (?:spending |money |own )?limits?(?: for you)?$|(?:allowed|permitted) to (?:spend|pay|commit)|up to how much|what is your (?:limit|budget|ceiling)"), "capability.limits", Weight.LIKELY),
    (phrase(r"(?:which|what) (?:kinds?|sorts?|types?|things?|cases?|exceptions?|ones)? ?(?:[^ ]+ ){0,2}(?:do|can|are|may|will|would) you (?:[^ ]+ ){0,4}(?:alone|by yourself|on your own|without (?:asking|us|me|a|any).*|automatically|unattended|yourself|autonomously)"), "capability.autonomy", Weight.LIKELY),
    (phrase(r"(?:can|do|could) you (?:read|see|access|check|open|look (?:into|at|in)|connect to|get into|use|listen|hear|watch|scan|search) (?:my |our |the )?(?:e?-?mails?|inbox|slack|calendar|phone|whatsapp|sheets?|excel|till|pos|website|drive|crm|internet|database|messages|dms|files|cameras?|rota|xero|sage)", r"(?:which|what) (?:systems?|sources?|data|apps?|feeds?) (?:[^ ]+ ){0,3}(?:you|it)|where (?:do|does) (?:you|it|the) (?:[^ ]+ ){0,3}(?:from|data)|(?:connected|hooked up|plugged in|wired|linked) (?:to|in to|into)"), "capability.sources", Weight.LIKELY),
    (phrase(r"(?:what|which) (?:kinds?|sorts?|types?) (?:[^ ]+ ){0,3}you (?!(?:alone|by))|(?:what|which) (?:kinds?|sorts?|types?) of (?:trouble|problems?|things?|cases?|exceptions?|issues?|stuff) (?:[^ ]+ ){0,3}you", r"what (?:do|can|are) you (?:watch|looking out|look out|monitor|keep an eye|cover|handle|detect|catch|spot|deal with|know about|help with|track)(?: for| on)?(?: with)?", r"(?:list|show)(?: me)?(?: all)?(?: the| your)? (?:kinds|types|playbooks)"), "capability.kinds", Weight.LIKELY),
    (phrase(r"what (?:actions|changes|steps) can you|what can you (?:actually )?(?:do|change|carry out|run|execute)|which actions"), "capability.actions", Weight.LIKELY),
    (phrase(r"what (?:are|is) (?:you|this|this bot|countersign|the bot)(?: actually| even| really)? (?:for|good for|about)|what do you (?:actually |even )?do|who are you|what are you$|your (?:purpose|job|role)|what is (?:your|the) (?:point|purpose|use)(?: of (?:you|this|it))?|why (?:are|do) (?:you|we have you) (?:here|exist)"), "capability.purpose", Weight.LIKELY),
    # People and the desk.
    (phrase(r"who (?:all )?(?:is|are) (?:all |else )?(?:in|part of|a member of|members of|on|the) (?:the )?\{group\}(?: group| team)?", r"(?:members?|people|list|names) (?:of|in|are in|on) (?:the )?\{group\}", r"who (?:belongs to|makes up|sits in|counts as) (?:the )?\{group\}"), "who.members", Weight.LIKELY),
    (phrase(r"(?:who|whom|anybody|anyone|somebody) (?:[^ ]+ ){0,2}(?:stands?|standing|fill(?:s|ing)?|step(?:s|ping)?|deputi[sz](?:es?|ing)|cover(?:s|ing)?|sub(?:s|bing)?|decid(?:es|ing)|act(?:s|ing)?) (?:in )?(?:for|as|instead of) (?:\{person\}|me|who|whom)", r"(?:deputy|stand in|stand ins|substitute|replacement|cover|backup|back up) (?:of|for) (?:\{person\}|me)|\{person\} (?:deputy|stand in|substitute|replacement|backup)|who (?:replaces|is replacing|deputises)|who (?:decides|approves|signs|acts|does|is) (?:[^ ]+ )?(?:when|while|if) \{person\}(?: [^ ]+){1,3}|who stands in|who is (?:standing in|deputising|on holiday|away|off)|(?:does|has|is) \{person\} (?:have|got)? ?(?:a|an|any)? ?(?:deputy|stand in|away|off|on holiday|back|out)"), "who.stand_in", Weight.LIKELY),
    (phrase(r"who (?:is|are|keeps?|has|have|was) (?:[^ ]+ )?(?:holding|blocking|slowing|delaying|sitting on|stalling|clogging|the (?:bottleneck|blocker|hold up|slowest)|behind|keeping|late|dragging|stopping|letting)(?: [^ ]+){0,4}", r"(?:where|what|who) is (?:the |our )?(?:bottleneck|hold up|blocker|jam|blockage)|(?:on|for) (?:who|whom) (?:is|are|do|does) (?:[^ ]+ ){0,3}(?:wait|waiting)|who (?:needs|is) (?:a )?(?:chasing|kick|to get a move on|to hurry)"), "who.blocker", Weight.LIKELY),
    (phrase(r"(?:what|which) (?:[^ ]+ ){0,2}(?:is|are) (?:currently |now )?paused|(?:is|are) (?:[^ ]+ ){0,3}paused|any(?:thing)? paused|pauses|kill switch|paused"), "status.pause", Weight.WEAK),
    # Numbers.
    (phrase(r"(?:how often|what (?:share|percentage|percent|proportion|fraction|rate)|how many percent|(?:the )?(?:rejection|refusal) rate|how (?:frequently|regularly))(?: [^ ]+){0,8} (?:reject(?:ed|ing)?|turn(?:ed)? down|say no|said no|refused?|declined?|den(?:y|ied)|not approved?|knocked? back)", r"(?:rejection|refusal) rate"), "count.rejection_rate", Weight.SURE),
    (phrase(r"(?:how often|what (?:share|percentage|percent|proportion|fraction)|how many percent|how (?:frequently|regularly))(?: [^ ]+){0,8} (?:edit(?:ed)?|chang(?:e|ed)|adjust(?:ed)?|amend(?:ed)?|modif(?:y|ied)|tweak(?:ed)?|correct(?:ed)?)", r"edit rate"), "count.edit_rate", Weight.SURE),
    (phrase(r"(?:how often|what (?:share|percentage|percent|proportion|fraction)|how many percent|how (?:frequently|regularly))(?: [^ ]+){0,8} (?:right|agree[ds]?|unchanged|as (?:you )?(?:suggested|proposed|recommended)|follow(?:ed)?|correct|accurate|wrong|your (?:suggestions?|advice|proposals?)|spot on)", r"how (?:accurate|reliable|right|good) (?:are|were|is|have) (?:you|your|been)(?: [^ ]+)*|hit rate|your (?:success|accuracy|track record)|accept(?:ance|ed unchanged) rate"), "count.accepted_unchanged_rate", Weight.LIKELY),
    (phrase(r"(?:how often|what (?:share|percentage|percent|proportion|fraction)|how many percent|how (?:frequently|regularly))(?: [^ ]+){0,8} (?:work(?:s|ed)?|succeed(?:s|ed)?|success(?:ful)?|go(?:es)? through|fail(?:s|ed)?|go wrong)", r"success rate|failure rate"), "count.success_rate", Weight.SURE),
    (phrase(r"(?:how often|what (?:share|percentage|percent|proportion|fraction)|how many percent|how (?:frequently|regularly))(?: [^ ]+){0,8} (?:approv(?:e|ed)|say yes|said yes|sign(?:ed)? off|accept(?:ed)?|agree)", r"approval rate"), "count.approval_rate", Weight.SURE),
    (phrase(r"how (?:long|quick|quickly|fast|slow|slowly|soon|speedy)(?: [^ ]+){0,8} (?:decision|decisions|decide[ds]?|deciding|approve[ds]?|approval|answer(?:ed)?|react|respond|sign(?:ed)?|yes|no|first (?:answer|decision))(?: [^ ]+)*", r"(?:median|average|mean|typical|usual) (?:[^ ]+ ){0,3}(?:to|until|for) (?:a )?(?:decide|decision|approve|approval|answer)|time to (?:decide|decision|approval)|decision times?|reaction times?"), "how_long.median_time_to_decide", Weight.LIKELY),
    (phrase(r"how (?:long|quick|quickly|fast|slow|slowly|soon)(?: [^ ]+){0,8} (?:usually|normally|typically|generally|on average|take|takes|took|taking|need|needs|last|lasts|resolved?|closed?|fix|fixed|finish(?:ed)?|solved?|done|sorted)(?: [^ ]+)*", r"(?:median|average|mean|typical|usual) (?:[^ ]+ ){0,3}(?:time|duration|turnaround)|turnaround|time to (?:resolve|resolution|close|fix)|average age"), "how_long.median_time_to_resolve", Weight.LIKELY),
    (phrase(r"how long (?:has|have|is|was|were)(?: [^ ]+){0,3} (?:been )?(?:open|waiting|sitting|here|around|there|pending|lying|stuck|with us|hanging|going on|on)(?: [^ ]+)*|how old is|(?:what is )?the age of|since when (?:is|has)(?: [^ ]+){0,3}(?: open| waiting| there)?"), "how_long.opening", Weight.LIKELY),
    # One case.
    (phrase(r"(?:everything|all|anything) (?:that )?(?:ever |has |had )*(?:happened|was done|occurred)(?: [^ ]+)*|(?:full |whole |complete |entire )?(?:history|audit trail|trail|timeline|log|story|record|chronology|paper trail)(?: of| on| for)? (?:\{case\}|this|it|that)|who did what(?: [^ ]+)*|from (?:start|beginning) to (?:end|finish)|step by step|blow by blow|audit trail|paper trail|chronology|the whole (?:story|history)|every step|full history"), "status.trail", Weight.LIKELY),
    (phrase(r"who (?:else |all |exactly |actually )?(?:is (?:allowed|able|supposed|meant|entitled|authori[sz]ed|needed|required|still needed|still missing|missing)(?: to)?|can|may|could|might|must|should|has to|have to|needs to|need to|gets to|has the (?:right|power) to|would have to)(?: still| also| else)?(?: (?:[^ ]+ ){0,2}" + _CAN_SAY_YES + r")?", r"whose (?:ok|yes|approval|signature|sign off|say|decision|call|turn)|(?:which|what) (?:people|approvers?|groups?|person|managers?) (?:can|may|must|need|has|have)|who (?:are|is) (?:the |its )?approvers?|who else|(?:am|are) (?:i|we) allowed to (?:approve|decide|sign)|can (?:i|\{person\}|we) (?:approve|sign|decide|ok)(?: [^ ]+)?"), "who_may_approve.approver", Weight.LIKELY),
    (phrase(rf"who (?:has |have |had |was it that |is it that |actually |all |else )*{_DECIDED}", r"(?:was|were|is|has|have|had|did) (?:it|this|that|they|\{case\}|the [^ ]+) (?:been )?(?:approved|rejected|decided|signed off|signed)?(?: [^ ]+)? ?by (?:a |an |any )?(?:person|human|who|whom|someone|somebody|policy|you|people|manager|machine|real person|bot)", r"by whom|who(?:m)? (?:[^ ]+ ){0,3}(?:approved|rejected|decided|signed)(?: [^ ]+)? by|(?:a |any )?(?:human|person) (?:approved|decided|signed|say yes)"), "who.decision", Weight.LIKELY),
    (phrase(r"who (?:has(?! not| \{)|have(?! we| not| you| they| i )|got|owns?|is (?:on|handling|dealing with|looking after|responsible for|working on|in charge of|the owner|doing|on top of|taking care of|answerable for|assigned to))(?: [^ ]+){0,3}", r"(?:belongs?|assigned|given) to (?:who|whom)|whose (?:is|case|one|job|problem|baby|task|responsibility)(?: [^ ]+){0,3}|(?:the )?owner(?: of)?(?: [^ ]+)?|with (?:who|whom) is|who (?:looks after|takes care of|deals with|handles|is it with|runs)"), "who.owner", Weight.LIKELY),
    (phrase(r"(?:can|could|may|is|are|how long can|until when can)(?: [^ ]+){0,4} (?:(?:be )?(?:taken|take|pulled|got|get|called) (?:it |that |this )?back|undone?|undo|reversed?|rolled back|roll(?: it)? back|reverted?|revert|cancelled|stopped|reversible|unwound)(?: [^ ]+)*", r"too late to (?:undo|take|stop|cancel|reverse)(?: [^ ]+)*|still (?:undo|reversible|be undone)"), "when.undo", Weight.LIKELY),
    (phrase(r"(?:when|what time|until when|how long (?:until|before|till)|by when|how soon|in how long)(?: [^ ]+){0,5} (?:expires?|expiry|runs? out|lapses?|lapse|times? out|die|end unapproved|no longer valid|be too late)(?: [^ ]+)*", r"(?:how long|until when) (?:is|are|do|does|will)(?: [^ ]+){0,4} (?:valid|good|last|live|stand)|expiry (?:date|time)?"), "when.expiry", Weight.LIKELY),
    (phrase(r"(?:by|until) when|(?:when|what time|how soon)(?: [^ ]+){0,4} (?:due|deadline|(?:have to|must|need to|should|got to) (?:be )?(?:decided?|answer(?:ed)?|approved?|act|sign(?:ed)?|respond))(?: [^ ]+)*", r"(?:what is|when is|whats)?(?: the)? deadline(?: for| of| on)?(?: [^ ]+)?|how (?:long|much time) (?:do|have|did) (?:we|i|they)(?: [^ ]+)*|how much time (?:is|do|have)(?: [^ ]+)*|when is (?:[^ ]+ ){0,2}due"), "when.due", Weight.LIKELY),
    (phrase(r"(?:when|what time|what day)(?: [^ ]+){0,4} (?:run|ran|executed?|carried out|done|go through|went through|happen|happened|paid|sent|ordered|booked)(?: [^ ]+)*"), "when.execution", Weight.LIKELY),
    (phrase(r"(?:when|what time|what day)(?: [^ ]+){0,4} (?:approved?|rejected?|decided?|signed?(?: off)?|turned down|edited)(?: [^ ]+)*"), "when.decision", Weight.LIKELY),
    (phrase(r"(?:when|what time|what day)(?: [^ ]+){0,4} (?:opened|open|raised|came in|come in|arrived?|reported|start(?:ed)?|created|logged|found|show up|noticed|first seen)(?: [^ ]+)*"), "when.opening", Weight.LIKELY),
    (phrase(r"(?:when|what time|what day)(?: [^ ]+){0,4} (?:closed?|end(?:ed)?|finish(?:ed)?|resolved?|over|clear(?:ed)?|expired)(?: [^ ]+)*"), "when.ending", Weight.LIKELY),
    (phrase(r"(?:when|until when|how long)(?: [^ ]+){0,4} (?:snoozed?|asleep|wakes?(?: up)?|come back|back|return)(?: [^ ]+)*"), "when.snooze", Weight.LIKELY),
    (phrase(r"(?:when|since when|how long)(?: [^ ]+){0,4} paused?(?: [^ ]+)*"), "when.pause", Weight.LIKELY),
    (phrase(r"why (?:did|have|would|could|can|do|are|were)? ?(?:you|it|we)? ?(?:not|never) (?:you )?(?:just )?(?:do|run|handle|fix|approve|carry|execute|go ahead|act|order|pay|sort|simply)(?: [^ ]+)*", r"why (?:did|do|have|are) you (?:do|done|run|ran|approve|carry|execute|go ahead|order|pay|ask|asking|asked|need|want|bother|decide|act|let|make|handle|fix)(?: [^ ]+)*", r"can (?:you )?not (?:you )?just(?: do| run| fix| handle| sort)?(?: [^ ]+)*|why (?:is|are|was|were|do|does|did) (?:[^ ]+ ){0,3}(?:\{group\}|two|second|needed|required|involved|necessary|asked|ask|need|manual)(?: [^ ]+)*|why (?:not )?(?:alone|by yourself|automatic|automatically|on your own|without)(?: [^ ]+)*|why (?:was|is|were) (?:[^ ]+ ){0,2}(?:automatic|done automatically|run automatically|allowed|not automatic)(?: [^ ]+)*|(?:what|which) (?:rule|policy)(?: [^ ]+)*"), "explain_decision.verdict", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,3}(?:on me|with me|to me|mine|me|i|my)(?: [^ ]+){0,4}$"), "why.approver", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,6}(?:suggest(?:ing|ed|s)?|recommend(?:ing|ed|s)?|propos(?:e|ing|ed)|advis(?:e|ing)|advice|suggestion|recommendation|proposal|prefer|think (?:we|i) should|this (?:plan|action|option)|want(?:ing)? to)(?: [^ ]+)*"), "why.recommendation", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,5}(?:kind|sort|type|category|recogni[sz]ed?|classif(?:y|ied)|labelled|think it is|filed (?:as|under)|think (?:this|that|it) is|called|treated as|count as)(?: [^ ]+)*", r"how (?:do|did) you (?:know|recogni[sz]e|tell|figure)(?: [^ ]+)*|what makes you think(?: [^ ]+)*"), "why.recognition", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,6}(?:expired?|lapsed?|run out|ran out|time out|timed out|end(?:ed)?|closed?|clear(?:ed)?|gone|disappear(?:ed)?|vanish(?:ed)?|over)(?: [^ ]+)*"), "why.ending", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,6}(?:not (?:[^ ]+ ){0,2}(?:done|run|finished|executed|carried out|happened|gone through|moving|resolved|complete|completed|through)|fail(?:ed)?|stuck|taking|takes|still (?:open|not|running|there|pending)|nothing happen(?:ed|ing)?|delayed|hanging|not work(?:ing|ed)?|go wrong|went wrong|slow)(?: [^ ]+)*", r"what (?:went wrong|is keeping|is holding)(?: [^ ]+)*"), "why.execution", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,6}(?:again|twice|asked again|second time|back|new plan|re-?opened)(?: [^ ]+)*"), "why.drift", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,6}(?:escalat(?:ed|e)|gone up|passed up|bumped)(?: [^ ]+)*"), "why.escalation", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,6}(?:snoozed?|put off|asleep)(?: [^ ]+)*"), "why.snooze", Weight.LIKELY),
    (phrase(r"why (?:[^ ]+ ){0,6}(?:rejected?|approved?|decided?|turned? (?:[^ ]+ )?down|declined?|refused?|edited|changed?|said no|say no|denied|knocked back|signed off|accepted|sent back)(?: [^ ]+)*", r"(?:what|which) (?:was|were|is) the (?:reason|grounds?|reasoning)(?: [^ ]+)*|reason for(?: [^ ]+)*|how come(?: [^ ]+){0,6} (?:rejected|approved|turned down|declined|refused)|on what grounds"), "why.decision", Weight.LIKELY),
    (re.compile(r"^(?:and |but |ok |so )?(?:why|how come|why so|why is that|why was that|why not)$"), "why.decision", Weight.LIKELY),
    (re.compile(r"^(?:and |but |ok |so )?(?:since when|since)$"), "when.opening", Weight.LIKELY),
    (re.compile(r"^(?:and |but |ok |so )?(?:until when|till when)$"), "when.expiry", Weight.LIKELY),
    (phrase(r"what (?:will|would|does|happens|is going to|are you going to|could|exactly happens)(?: [^ ]+){0,6} (?:if|when|once|after|should) (?:i|we|you|it|this|that|somebody|someone|nobody|no one|noone|\{person\})(?: [^ ]+)*", r"(?:if|when|once) (?:i|we) (?:say yes|approve|press|ok|agree|click|hit|sign)(?: [^ ]+){0,5} (?:what|then what)(?: [^ ]+)*|consequences?|what (?:am i|would i be) (?:agreeing|signing|approving)(?: [^ ]+)*|and if (?:i|we) (?:do not|say no|reject|ignore)|what does (?:approving|approval|a yes|yes) (?:do|mean|change)(?: [^ ]+)*"), "status.consequence", Weight.LIKELY),
    (phrase(r"what (?:did|have|has|do) you (?:look|looked|check|checked|use|used|see|read|base|consider|considered|find|found|compare|go by|rely)(?: [^ ]+)*", r"(?:evidence|facts|proof|data) (?:behind|for|on|of|did)(?: [^ ]+)*|(?:what|show|where)(?: [^ ]+){0,3} (?:evidence|facts|proof|data|based on|figures)(?: [^ ]+)*|based on what|where did you get(?: [^ ]+)*|what do you know about(?: [^ ]+)*|what is (?:this|that|it) based on"), "status.evidence", Weight.LIKELY),
    (phrase(r"what (?:exactly )?did (?:[^ ]+ ){0,2}(?:change|edit|amend|adjust|alter|modify|tweak)(?: [^ ]+)*|what (?:exactly )?(?:[^ ]+ ){0,3}(?:changed|edited|amended|adjusted|modified|altered|different|edits?|corrected)(?: [^ ]+)*", r"(?:which|what|show)(?: [^ ]+){0,3} (?:changes|edits|difference|differences|amendments)(?: [^ ]+)*|before and after|how was (?:[^ ]+ ){0,2}(?:edited|changed)"), "status.changes", Weight.LIKELY),
    (phrase(r"(?:how|what|did|do|have|has|was|were)(?: [^ ]+){0,6} (?:last time|before(?! \{period\}| i | we )|previously|in the past|similar|earlier ones|on other occasions)(?: [^ ]+)*|(?:anything|something|cases|others?|one|ones|any) (?:[^ ]+ )?(?:like|similar to) (?:this|it|that|these)(?: [^ ]+)*|precedents?|(?:do|did) we (?:normally|usually|generally|typically|always|ever)(?: [^ ]+)*|(?:what|how) (?:do|did) we (?:normally|usually|typically|generally)(?: [^ ]+)*|seen (?:this|it|that) before|had (?:this|it|that) before|happened before|similar (?:ones|cases)"), "status.precedents", Weight.LIKELY),
    (phrase(r"how (?:sure|certain|confident|safe)(?: [^ ]+)*|(?:your )?confidence|are you sure(?: [^ ]+)*"), "status.confidence", Weight.LIKELY),
    (phrase(r"(?:did|has|have) (?:it|this|that|\{case\}|the plan) (?:actually |really )?work(?:ed)?(?: out)?(?: [^ ]+)*|what (?:came|became) (?:out )?of(?: [^ ]+)*|what (?:was|is) the (?:result|outcome)(?: [^ ]+)*|how did (?:it|this|that|\{case\}) (?:end|go|turn out|work out|pan out)(?: [^ ]+)*|the (?:outcome|result)"), "status.outcome", Weight.LIKELY),
    (phrase(r"what (?:is|are|was) (?:the|your) (?:plan|proposal|suggestion|recommendation|idea|advice)(?: [^ ]+)*|what (?:do|would|are) you (?:plan|propose|proposing|suggest|suggesting|recommend|recommending|advise|want to do|intend)(?: [^ ]+)*|what should (?:i|we) do(?: [^ ]+)*"), "status.plan", Weight.LIKELY),
    (phrase(r"what has changed since(?: [^ ]+)*|what is (?:new|different) (?:since|now)"), "status.drift", Weight.LIKELY),
    (phrase(r"is (?:it|this|that|\{case\}) (?:already |now |all )?(?:done|over|closed|finished|ready|through|sorted|open|complete|resolved)(?: or not| yet| now)?", r"what (?:has )?happened (?:to|with) (?:it|this|that|\{case\})"), "status", Weight.LIKELY),
    (re.compile(r"^(?:and |but |ok |so )?(?:when|when was that|at what time)$"), "when.decision", Weight.LIKELY),
    # Lists in numbers, last: the words occur in other questions too.
    (phrase(r"how much|how many (?:£|pounds)|combined|(?:grand |sum )?total(?: value| amount| at stake| stake| worth| of| £| money| exposure)?|sum(?: of| by| up)?|(?:the )?(?:value|worth|£|amount|money) (?:of|in|at|is|on|for|that|we|tied|waiting)|add(?:s|ed)? up|what (?:is|are) (?:the |all )?(?:[^ ]+ ){0,4}(?:worth|costing|cost)(?: us)?(?: (?:in total|together|altogether|us|all))?|what (?:are|is) we (?:risking|exposed to|spending|losing)|what (?:are|were) we risking|at stake|exposure|what value"), "sum", Weight.LIKELY),
    (phrase(r"how many|number of|count(?: of| the| up| me)?|how (?:busy|full|big is the|long is the (?:queue|list|backlog))|busy|head ?count|the (?:number|count)|why so (?:many|few)|(?:what|how) (?:is|was) the (?:number|count|volume)|quantity of"), "count", Weight.LIKELY),
)
STATUS = phrase(
    r"status|state(?: of)?|how is|how are|where (?:is|are|do|does)|what is (?:going on|up|happening|the (?:story|latest|news|status|state|deal|matter))"
    r"(?: with| on| of)?|what (?:has )?happened (?:to|with)|tell me (?:more )?about|is (?:[^ ]+ ){1,3}(?:done|over|closed|finished|approved|ready|through|sorted|open)"
    r"(?: or not| yet)?|more (?:on|about)|any (?:news|update|progress)(?: on| about)?|what about|details?(?: of| on)?|update(?: on| me)?|explain|what is|describe|summari[sz]e|news|progress|still open|done yet|finished yet"
)
LIST_WORDS = phrase(
    r"which|what|list|show|any|anything|is there|are there|give|find|everything|all|open|late|overdue|ones|who|whats|new|got|see|cases?"
)
ONE_CASE = frozenset({Ask.WHEN, Ask.WHO, Ask.WHY, Ask.STATUS, Ask.EXPLAIN_DECISION, Ask.WHO_MAY_APPROVE})
LISTS = frozenset({Ask.LIST, Ask.COUNT, Ask.SUM, Ask.GROUP, Ask.HOW_LONG})


@dataclass(frozen=True, slots=True)
class AskChoice:
    """What a question asks, what else it may ask, and whether that is a doubt."""

    label: str
    others: tuple[str, ...] = ()
    is_uncertain: bool = False


def find_rule(text: QuestionText) -> tuple[str, Weight] | None:
    """Return the first rule that fits."""
    for pattern, label, weight in RULES:
        match = text.search(pattern)
        if match is not None:
            return label, weight
    return None


def explain_ask(text: QuestionText, label: str) -> None:
    """Note that the words by which the label was found were understood."""
    for pattern, rule, _ in RULES:
        if rule == label:
            text.take(pattern)
            return


def choose(
    rule: tuple[str, Weight] | None, guesses: Sequence[Guess], default: str
) -> AskChoice:
    """Weigh a rule and the guesses.

    ``default`` is what is asked when neither says anything; empty when that is unknown.
    """
    best = guesses[0] if guesses else Guess("", 0.0)
    others = tuple(guess.label for guess in guesses[1:3] if guess.confidence >= MIN_LEAD)
    if rule is not None:
        label, weight = rule
        is_number = label in ("sum", "count") and best.label == "list"
        is_sure = weight is Weight.SURE or is_number
        if is_sure or not guesses or best.confidence < MIN_GUESS:
            return AskChoice(label, others)
        if best.label.partition(".")[0] == label.partition(".")[0]:
            # The same ask: the rule saw the very words, unless the guess is sure.
            is_guess = best.confidence >= SURE_GUESS or weight is Weight.WEAK
            return AskChoice(best.label if is_guess else label, others)
        if weight is Weight.LIKELY and best.confidence < SURE_GUESS:
            return AskChoice(label, (best.label, *others)[:2])
        return AskChoice(best.label, (label, *others)[:2])
    if best.confidence >= MIN_GUESS:
        lead = best.confidence - (guesses[1].confidence if len(guesses) > 1 else 0.0)
        is_doubt = best.confidence < SURE_GUESS and lead < MIN_LEAD and not default
        return AskChoice(best.label, others, is_doubt)
    if default:
        return AskChoice(default, (best.label, *others)[:2] if best.label else ())
    if best.label:
        return AskChoice(best.label, others, is_uncertain=True)
    return AskChoice("", ())


def query_of(label: str) -> Query:
    """Return the query of a label, without conditions.

    Raises:
        ValueError: no such label.
    """
    ask_name, _, detail = label.partition(".")
    ask = Ask(ask_name)
    if not detail:
        return Query(
            ask=ask, about=_DEFAULT_FACTS.get(ask), measure=_DEFAULT_MEASURES.get(ask)
        )
    if ask is Ask.ACT:
        return Query(ask=ask, act=Act(detail))
    if detail in set(Measure):
        return Query(ask=ask, measure=Measure(detail))
    return Query(ask=ask, about=About(detail))


_DEFAULT_FACTS = {
    Ask.WHO_MAY_APPROVE: About.APPROVER,
    Ask.EXPLAIN_DECISION: About.VERDICT,
}
_DEFAULT_MEASURES = {
    Ask.COUNT: Measure.COUNT,
    Ask.SUM: Measure.STAKE_SUM,
    Ask.GROUP: Measure.COUNT,
    Ask.HOW_LONG: Measure.MEDIAN_TIME_TO_RESOLVE,
}
