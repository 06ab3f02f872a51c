"""Turns of phrase that say by themselves what is asked.

They are looked for before all other rules, and none of them needs a classifier.
"""

import re

from knowledge.language.condition_words import APPROVED, CONSENTS, GIVE, REFUSALS, REJECTED
from knowledge.language.question_text import phrase

_REST = r"(?: [^ ]+)*"
_SOMEBODY = r"(?:i|we|somebody|someone|anyone|anybody|one)"
_LOGGED = (
    r"(?:logged|recorded|raised|reported|noted(?: down)?|registered|filed|put down|written down"
    r"|(?:put|added|entered) (?:in|on|into|onto|to) (?:the|your|our) [^ ]+)"
)
_SYSTEM = r"(?:list|system|log|logbook|book|books|board|register)"
_APPROVE = r"(?:approve|sign(?: off)?|say yes(?: to)?|ok|decide(?: on)?|confirm|vote(?: on)?)"
_CONSENT = r"(?:approval|ok|yes|decision|signature|sign off|consent|confirmation|vote)"
_ONE = r"(?:this|that|it|\{case\})"
_UP = (
    r"(?:escalat(?:ed?|ing|ion)|(?:pushed|passed|bumped|kicked|moved|sent|handed"
    r"|gone|go|went|taken)"
    r"(?: [^ ]+)? up(?:stairs|wards)?|(?:one|a) (?:level|step|rung) (?:up|higher)"
    r"|up (?:one|a) (?:level|step|rung)|higher up|to the next level)"
)
#: Why there are many lately.
SURGE = phrase(
    r"(?:for (?:what|which) reasons?|what (?:is|was) the reasons?(?: that| why| for)?"
    r"|how is it that)"
    r" (?:[^ ]+ ){0,4}(?:so (?:many|few)|such a lot of|loads of|lots of|that many|all these)",
    r"(?:(?:what|who) (?:is|was|are|were|has been|could be|might be) (?:[^ ]+ )?(?:behind|driving"
    r"|causing|fuelling|feeding|the (?:reason|cause|explanation) (?:for|of|behind))"
    r"|what (?:caused|causes|explains?|explained|drives?|drove|brought(?: on)?|triggered)"
    r"|(?:the )?(?:reasons?|causes?|explanation) (?:for|of|behind)"
    r"|where (?:does|did|do|is)(?= (?:[^ ]+ ){2,8}(?:come|coming) from)) "
    r"(?:the |this |that |these |those |all |all the |our |such a )?(?:sudden |recent |big |huge )?"
    r"(?:surge|spike|jump|rise|increase|flood|wave|influx|uptick|upsurge|glut|rash|explosion"
    r"|growth|drop|dip|fall|decrease|decline|slump|run|peak|rush|avalanche|number|pile ?up)"
    r"(?: of| in| with)?(?: all)?(?: those| these| the| our)?",
)
_HINDER = (
    r"(?:stopping|stops?|stopped|keeps?|keeping|kept|prevents?|prevented|preventing|hinders?"
    r"|hindered|hindering|blocks?|blocked|blocking|holds?|held|holding|made|barred)"
)
_AMENDED = r"(?:edited|changed|amended|adjusted|altered|modified|revised|reworked|corrected)"
_KIND = r"(?:kind|sort|type|category|class|playbook|thing)"

_DECIDE = r"(?:decid(?:e|ed|ing)|answer(?:ed)?|act|react|respond|reply|vote|choose|say yes or no)"

IDIOMS: tuple[tuple[re.Pattern[str], str], ...] = (
    # What was meant instead, and what is regretted.
    (
        re.compile(
            r"^(?:(?:no|nope|sorry|oops|wait|ah|er|hm|well|but|actually) )*i (?:meant|mean|was"
            r" (?:talking|asking) about|wanted) (?:the )?\{case\}$"
        ),
        "status",
    ),
    (
        re.compile(
            r"^(?:(?:oh|no|sorry|oops|wait|ah|damn|well|but|actually) )*(?:that|this|it) (?:was|is"
            r"|were) (?:[^ ]+ ){0,2}(?:mistake|error|accident|wrong|slip)(?: [^ ]+){0,3}?"
            r" (?:roll|take|pull|bring|undo|reverse|revert|cancel|call)(?: (?:it|that|this))?"
            r"(?: (?:back|off))?(?: please)?$"
        ),
        "act.take_back",
    ),
    # Who decides until the asker is back.
    (
        phrase(
            r"until then \{person\} (?:will )?(?:decides?|signs?|approves?|acts?|covers?"
            r"|takes over|stands? in|steps? in|fills? in)(?: (?:for|instead of) me)?",
        ),
        "act.stand_in",
    ),
    # How long a case may be decided.
    (
        phrase(
            r"(?:until|till|up to|by|before) (?:when|(?:what|which) (?:time|hour|day|date|moment"
            rf"|point))(?: [^ ]+){{0,6}} {_DECIDE}{_REST}",
            r"(?:how late|when at the latest|at the latest when)(?: [^ ]+){0,5}"
            rf" {_DECIDE}{_REST}",
            r"how (?:long|much longer) (?:can|may|could|do) (?:i|we|you|one)"
            r"(?! (?:[^ ]+ ){0,3}(?:take|need|usually|normally|typically|generally|mostly)(?![^ ]))"
            r"(?: [^ ]+){0,3}"
            rf" {_DECIDE}(?: on)?(?: (?:it|this|that|\{{case\}}))?$",
        ),
        "when.due",
    ),
    # What becomes of a yes.
    (
        phrase(
            r"(?:if|when|once|suppose|say|assuming|provided|after) (?:i|we|somebody|someone) (?:do "
            r"|just |now |actually )*(?:say|said|give|gave|agree|approve|accept|ok|sign|press|click"
            r"|hit|confirm|go along)(?: [^ ]+){0,5}? (?:what|then what) (?:do|will|would|happens|is"
            r"|comes|are)(?: [^ ]+)*",
            r"what (?:do|will|would) you (?:do|start|set off|trigger|run)(?: then| next"
            r"| after that)?"
            r" (?:if|when|once) (?:i|we) (?:say|give|agree|approve|accept|sign|press|click|confirm)"
            r"(?: [^ ]+){0,4}$",
        ),
        "status.consequence",
    ),
    # What other trades and helpers do.
    (
        phrase(
            r"(?:could|can|would|will) you (?:please |also |maybe |quickly )*(?:do|make|write|plan"
            r"|prepare|draw up|sort out|fill in|draft|organi[sz]e|set up|update|run|fix|create)"
            r"(?: me| us)? (?:a |an |the |our |my |some )?(?:new )?(?:\{period\} )?(?:rotas?"
            r"|rosters?"
            r"|payroll|payslips?|shifts?|menus?|tax(?:es)?|tax returns?|accounts|books|vat"
            r"|seating plan|holiday plan|schedules?|timetable|website|newsletter|playlist"
            r"|job advert|budget)(?: (?:for|of|from) [^ ]+)?(?: please)?$",
        ),
        "capability.cannot",
    ),
    (
        phrase(
            r"(?:paste|copy(?: out)?|quote|recite|write out|type out|spell out|read out|post"
            r"|forward"
            r"|disclose|share)(?: me| us)? (?:[^ ]+ ){0,3}(?:prompt|instructions|system message)"
            r"(?: [^ ]+)*",
            r"(?:the |your )?(?:prompt|instructions|text) (?:that |which )?you (?:were|was|got|have"
            r" been|are) (?:given|started|told|fed|set up|configured)(?: [^ ]+)*",
            r"my (?!(?:[^ ]+ )*(?:which|what|show|list|cases?|open|overdue|waiting|waits|wait"
            r"|decide"
            r"|approve|reject|many|ones|full|tied|queue)(?![^ ]))(?:[^ ]+ )?(?:back|head|feet"
            r"|foot|knees?|neck|shoulders?|tooth|teeth|stomach"
            r"|hands?"
            r"|arms?|legs?|wrists?|throat|eyes|ankles?) (?:is|are|hurts?|aches?|kills?|has been"
            r"|feels?)"
            r"(?: [^ ]+)*",
            r"(?:any|some|got any|have you) (?:tips|advice|remed(?:y|ies)|cures?) (?:for|against) "
            r"(?:my|a|an|sore|bad) (?:[^ ]+ )?[^ ]+$",
        ),
        "out_of_scope",
    ),
    # Whose decision it was.
    (
        phrase(
            r"whose (?:yes|no|approval|ok|okay|signature|sign off|call|decision|go ahead|refusal"
            r"|rejection|nod|vote|doing|idea|handiwork|choice|verdict) (?:was|were) (?:it|that|this"
            r"|\{case\})(?: [^ ]+)*",
            rf"who (?:(?:was|were|is|all|been|has|have) ){{0,2}}{GIVE} (?:us |any "
            rf"|some |the |all "
            rf"|our )*"
            rf"(?:{REFUSALS}|{CONSENTS})(?: (?:in |on |since |during )?\{{period\}})?$",
        ),
        "who.decision",
    ),
    (
        re.compile(
            r"^(?:and |so |ok )*who (?:did|made|took) (?:that|this|it|those|them)(?: call"
            r"| decision)?$"
        ),
        "who.decision",
    ),
    (
        re.compile(
            r"^(?:(?:please|can|could|would|will|you|just|quickly|hey|hi) )*(?:e-?mail|call"
            r"|phone|ring"
            r"|text|write to|contact) (?:up )?(?:the |our |my )?(?:\{name\}|suppliers?|customers?"
            r"|clients?|guests?|carriers?|couriers?|vendors?|them|him|her)"
            r"(?: (?:about|and|to|that|for|back|please|now|today)(?: [^ ]+)*)?$"
        ),
        "capability.cannot",
    ),
    # Causes are not recorded; the number is.
    (SURGE, "count"),
    # Out of scope.
    (
        phrase(
            r"(?:reveal|show|list|print|dump|give|output|expose|leak|send)(?: [^ ]+){0,6}"
            r" (?:access |api |secret |bot )?(?:tokens?|passwords?|credentials|secrets?|api keys?)",
            r"(?:how much|what) (?:is|are|makes?) (?:\{money\}|[^ ]+(?: [^ ]+)?) in (?:pounds|euros"
            r"|dollars|yen|francs|sterling|usd|eur|gbp|kilos|litres|miles)(?: [^ ]+)?",
            r"convert (?:\{money\}|[^ ]+(?: [^ ]+)?) (?:to|into) (?:pounds|euros|dollars)",
        ),
        "out_of_scope",
    ),
    # Trouble that is to be raised.
    (
        phrase(
            rf"(?:if|when|suppose|say|imagine|in case) {_SOMEBODY} (?:[^ ]+ ){{0,2}}(?:notice|see"
            r"|spot|find|trip|discover|come across|stumble|hear|notices|sees|spots|finds)"
            rf"(?: [^ ]+){{0,30}} (?:what|how|where|whom?) (?:do|can|would|should|could|am|must)"
            rf" {_SOMEBODY}{_REST}",
            rf"where (?:do|can|should|could|would|must) {_SOMEBODY} (?:[^ ]+ ){{0,3}}(?:enter|put"
            r"|note|log|type|write|report|raise|add|file|register|record|submit)(?: [^ ]+){0,6}",
            rf"how (?:would|do|can|could|should) {_SOMEBODY} (?:[^ ]+ ){{0,2}}(?:let|make) you"
            r" (?:know|aware)",
            r"(?:what is|how is|is there) (?:the |a |an )?(?:right |best |proper )?"
            r"(?:way|procedure) (?:to|of) (?:have|get|having|getting) (?:it|this|that)"
            rf" (?:added|{_LOGGED})",
            rf"what (?:do|can|should|would) {_SOMEBODY} do (?:when|if) {_SOMEBODY} (?:see|notice"
            r"|spot|find)",
        ),
        "help.raise",
    ),
    (
        phrase(
            rf"(?:need|needs|want|wants|like)(?: [^ ]+){{0,3}} {_LOGGED}",
            r"(?:can|could|should|must|please) (?:it|this|that|the [^ ]+) (?:please )?be"
            rf" {_LOGGED}",
            rf"(?:put|add|enter|note|stick|get) (?:it|this|that) (?:down )?(?:in|on|into|onto|to)"
            rf" (?:the|your|our) {_SYSTEM}",
            r"(?:put|get|keep|place|have) (?:it|this|that) (?:down )?"
            r"(?:on (?:record|file)|in writing)",
            rf"(?:can|could|should|may) (?:it|this|that) (?:please )?be (?:put|added|entered|noted)"
            rf" (?:in|on|into|onto|to) (?:the|your|our) {_SYSTEM}",
            r"(?:please|(?:can|could|would|will) (?:you|someone|somebody|anyone))(?: please)?"
            r" (?:log|note|record|raise"
            r"|report|register|write)(?: down)? that",
            r"(?:make|open|create|start) (?:a |an )?(?:new )?(?:case|ticket|exception) (?:out )?"
            r"(?:of|for|from|about) (?:it|this|that)",
            rf"{_SOMEBODY} (?:want|would like|need|wish|have) to (?:report|raise|log)"
            r" (?:a|an|that)",
        ),
        "act.raise",
    ),
    # Why a person is asked.
    (
        phrase(
            rf"must (?:i|we|somebody|someone|anyone)(?: [^ ]+){{0,2}} {_APPROVE} {_ONE}(?: one)?",
            rf"(?:do|does) (?:i|we|somebody|someone) (?:really |actually |even )?(?:need|have) to"
            rf" (?:really |actually |even )?{_APPROVE} {_ONE}(?: one)?(?: off)?",
            rf"does {_ONE}(?: one)? (?:really |actually |even |truly )?(?:need|require|want|take)"
            rf" (?:an? |any |our |my )?(?:human|person|manager|boss|{_CONSENT})",
            rf"is (?:my|our|an?|the|any|anyone's) {_CONSENT} (?:really|actually|even|truly)"
            r" (?:necessary|needed|required)",
            rf"is (?:my|our|an?|the) {_CONSENT} (?:necessary|needed|required) (?:for|on) {_ONE}",
            rf"what (?:[^ ]+ ){{0,3}}{_HINDER} you (?:back )?"
            rf"(?:from|on|with|ask|wait|[a-z]+ing){_REST}",
            rf"what (?:[^ ]+ ){{0,3}}{_HINDER} you(?: back| up| off)?$",
        ),
        "explain_decision.verdict",
    ),
    (
        phrase(
            r"(?:why|how come|for what reason) (?:[^ ]+ ){0,4}(?:end(?:ed|s)? up|land(?:ed|s)?|come"
            r"|came|sent|passed|routed|given|gone|go|went)(?: over| here)? (?:with|to|on|at|in)"
            r" (?:me|us|my [^ ]+|our [^ ]+)",
            r"(?:why|how come) (?:am|are|is it) (?:i|we|me|us) (?:who |that )?(?:getting|get|asked"
            r"|being asked|seeing|the one|supposed|have to|has to)(?: [^ ]+){0,4}",
        ),
        "why.approver",
    ),
    (
        phrase(
            rf"where (?:did|do) you get (?:the|that|this) (?:idea|notion|impression){_REST}",
            rf"(?:who|what) (?:told|tells) you(?: [^ ]+){{0,6}} {_KIND}{_REST}",
            rf"what makes (?:you|it)(?: [^ ]+){{0,6}} {_KIND}{_REST}",
        ),
        "why.recognition",
    ),
    (
        phrase(
            r"(?:why|how come) (?:do |did |would |are )?you (?:want|wish|plan|prefer|chose|choose"
            r"|pick|picked|choosing|picking|go|went|going)(?: to)?(?: go| do| take)?"
            r"(?: (?:with|for))? (?:that|this|it|the|these)(?: [^ ]+){0,4}",
        ),
        "why.recommendation",
    ),
    (
        phrase(
            rf"^(?:and |so |ok )*who (?:has |have |had |actually |all )*(?:{APPROVED}|{REJECTED})"
            r" (?:anything|something|things|stuff|the|any|all|it|this|that|those|these|\{case\}"
            r"|\{money\}|\{name\})"
            r"(?! most(?![^ ]))",
        ),
        "who.decision",
    ),
    # Who or why, one level up.
    (
        phrase(
            rf"who(?:m)? (?:did|was|is|has|have|got)(?: [^ ]+){{0,4}} {_UP}(?: to)?",
            rf"(?:to|up to) who(?:m)? (?:[^ ]+ ){{0,5}}{_UP}",
        ),
        "who.escalation",
    ),
    (
        phrase(
            rf"(?:why|how come|(?:for )?(?:what|which) reasons?) (?:[^ ]+ ){{0,6}}{_UP}",
        ),
        "why.escalation",
    ),
    # Facts of one case.
    (
        phrase(
            r"what (?:is|has) (?:[^ ]+ )?(?:different|changed|new)(?: [^ ]+){0,4} (?:now|since"
            rf"|compared|from before|than before|than when|from when){_REST}",
        ),
        "status.drift",
    ),
    (
        phrase(
            r"(?:how(?! (?:many|much|often|long|come|soon|frequently|quickly|old)(?![^ ]))"
            rf"|in what way|in which way)(?: [^ ]+){{0,5}} {_AMENDED}(?: [^ ]+){{0,3}}$"
        ),
        "status.changes",
    ),
    (
        phrase(
            rf"(?:until|till|to|up to) (?:what|which) (?:time|hour|day|date|moment){_REST}",
        ),
        "when.expiry",
    ),
    (
        phrase(
            r"how (?:is|are) (?:the |my |our |that |this )?(?:\{case\}|\{name\}|it|this|that)"
            r"(?: [^ ]+){0,2} (?:looking|doing|going|getting on|getting along|coming (?:along|on)"
            r"|shaping up|progressing|faring|moving along)(?: [^ ]+){0,3}",
            r"any(?:thing)? (?:movement|progress|news|developments?|change|word|update|new"
            r"|happening"
            r"|moving)(?: yet| now)? (?:on|with|about|for|regarding|at|from) (?:the |my |our "
            r"|that )?"
            r"(?:\{case\}|\{name\} (?!cases?|ones|stuff|things)[a-z]{3,}(?<!s))$",
            r"how far(?: along)? (?:is|are) (?:\{case\}|\{name\}|it|this|that)(?: [^ ]+){0,2}",
            r"how (?:goes|fares|went) (?:it (?:with|for) )?(?:the |my |our |that |this )?"
            r"(?:\{case\}|\{name\})(?: [^ ]+){0,2}",
            r"how are things (?:going |looking )?(?:with|at|on|for) (?:the |our )?"
            r"(?:\{case\}|\{name\})(?: [^ ]+){0,2}",
            r"(?:tell me(?: more)?|what do you know|what is the (?:story|news|latest))"
            r" (?:about|with|on) (?:the|my|our|that) \{name\} (?!cases?|ones|stuff|things)"
            r"[a-z]{3,}(?<!s)$",
        ),
        "status",
    ),
    # The owner of one case.
    (
        phrase(
            r"(?:which|what) (?:person|colleague|manager|group|team) (?:is|are|has|takes|looks"
            r"|deals|handles|owns)(?: currently| now)? (?:responsible|in charge|answerable"
            r"|accountable|looking after|dealing with|it|this|that|care|after|with)(?: [^ ]+){0,4}",
            r"who is (?:in charge|responsible|accountable|answerable)$",
        ),
        "who.owner",
    ),
    # The product.
    (
        phrase(
            rf"(?:what is|what) the most (?:that )?you (?:can|may|could|are allowed){_REST}",
            r"how (?:high|far) (?:can|may|could) you go(?: [^ ]+){0,6}",
        ),
        "capability.limits",
    ),
    (
        phrase(
            r"(?:which|what) (?:[^ ]+ ){0,2}(?:can you|may you|could you) "
            r"(?:[^ ]+ ){0,3}without (?:asking|us|me|a|any|anyone|anybody)(?: [^ ]+){0,3}$",
        ),
        "capability.autonomy",
    ),
    # The asker's own queue, in a word.
    (
        re.compile(
            r"^(?:(?:the|my|show|on|in|check|whats) )*(?:inbox|in-tray|in tray|to dos?|todos?"
            r"|to-dos?|plate|homework)(?: please| now| today)?$"
        ),
        "list",
    ),
    # Numbers.
    (
        phrase(
            r"(?:percentage|percent|%|share|proportion)(?: of)?(?: [^ ]+){0,3} (?:rejected|refused"
            r"|turned down|declined)"
        ),
        "count.rejection_rate",
    ),
    (
        phrase(
            r"(?:percentage|percent|%|share|proportion)(?: of)?(?: [^ ]+){0,3} (?:approved|accepted"
            r"|signed off|waved through)"
        ),
        "count.approval_rate",
    ),
    (
        phrase(
            r"how much time (?:does|do|did)(?: [^ ]+){1,8} (?:need|take|cost|require|last)"
            rf"(?! to decide){_REST}",
        ),
        "how_long.median_time_to_resolve",
    ),
    (
        phrase(
            r"add (?:it|that|them|those|these|everything|the lot|all of (?:them|those))(?: all)?"
            r" up",
            r"what (?:do|does|did) (?:they|those|these|it|that|all that)(?: all)? (?:come|amount"
            r"|add up|sum) (?:up )?to",
        ),
        "sum",
    ),
)
