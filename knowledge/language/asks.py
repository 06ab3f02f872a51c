"""The ask of a question, by rules and by a learned classifier.

A label is an ``Ask``, or one with an ``About``, ``Act`` or ``Measure`` after a full stop.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from bot.ports.language import Guess
from bot.views.query import About, Act, Ask, Measure, Query
from knowledge.language.idioms import IDIOMS
from knowledge.language.question_text import QuestionText, phrase


class Weight(IntEnum):
    """The weight of a rule against the guesses of a classifier."""

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
    r"|bot|countersign|go ahead(?: and)?|can you|could you|would you"
    r"|will you|you should|i want you to"
    r"|i want to|i would like to|i would like you to|want to|need to|we need to|you can|system:?"
    r"|do|kindly|quickly|also|people|everyone|all|immediately"
    r"|i need you to|i need to|let me|you must"
    r"|can we|could we|can i|could i|may i|we should|we want to|we can) )*"
)
_IT = (
    r"(?:it|this|that|them|these|those|all|everything|\{case\}"
    r"|\{name\}|the|mine|my|both|any|one|every)"
)
_CAN_SAY_YES = (
    r"(?:approve|sign(?: off)?|say yes|ok|decide|authori[sz]e|agree"
    r"|give (?:the|a) (?:ok|yes|nod|go ahead)"
    r"|green ?light|vote|press the button|release|let (?:it|this) through)"
)
_DECIDED = (
    r"(?:approved|rejected|decided|signed(?: off)?|said (?:yes|no)"
    r"|turned (?:it |this |that |\{case\} )?down"
    r"|declined|refused|agreed|accepted|authori[sz]ed|ok|pressed"
    r"|let \S+ through|waved \S+ through|made the (?:call|decision))"
)
_GREETING = (
    r"(?:hi|hello|hey|hiya|yo|morning|afternoon|evening|thanks|thank"
    r"|cool|nice|great|ok|lol|haha|ha|hehe"
    r"|bye|goodbye|later|perfect|brilliant|awesome|super|ace|lovely"
    r"|mate|well|sorry|oops|worries|mind"
    r"|legend|star|sweet|sound|fab|fantastic|wonderful|excellent"
    r"|happy|best|love|fine|alright|wow|yay|phew"
    r"|amazing|test|testing|ping|hmm|hm|aha|ah|oh|understood|noted|appreciated|helpful|night|day)"
)
_SMALL = (
    r"(?:hi|hello|hey|hiya|yo|morning|afternoon|evening|good|thanks"
    r"|thank|you|so|much|very|cool|nice|great"
    r"|ok|lol|haha|ha|hehe|bye|goodbye|see|later|perfect|brilliant"
    r"|awesome|super|ace|lovely|job|work|done"
    r"|bot|mate|well|sorry|oops|no|worries|problem|never|mind|all"
    r"|there|everyone|team|day|night|got|it"
    r"|legend|star|sweet|sound|fab|fantastic|wonderful|excellent"
    r"|happy|friday|monday|a|the|for|that|your|best|are"
    r"|love|that|this|right|fine|alright|wow|yay|phew|sure|yes|again"
    r"|lot|lots|many|is|amazing|help|and|have|one"
    r"|weekend|of|\{person\}|\{period\}|am|i|just|testing|test|ping"
    r"|hmm|hm|aha|ah|oh|understood|noted|appreciated|been|helpful)"
)

#: Good day and thanks, as colleagues say them at home.
_FOREIGN_GREETING = (
    r"(?:bom dia|boa (?:tarde|noite)|ol[aá]|oi|obrigad[oa]|tudo bem"
    r"|bonjour|bonsoir|bonne (?:nuit|journ[eé]e|soir[eé]e)|salut(?: tout le monde| [aà] tous)?"
    r"|merci(?: beaucoup| bien)?|coucou|[cç]a va|au revoir"
    r"|hola|buen(?:os|as) (?:d[ií]as|tardes|noches)|buenas|buen d[ií]a|(?:muchas )?gracias"
    r"|qu[eé] tal|adi[oó]s|hasta (?:luego|ma[nñ]ana)"
    r"|(?:guten|gute|schönen|schoenen|schonen) (?:morgen|tag|abend|nacht|feierabend)|hallo|moin"
    r"|servus|gr(?:ü|ue|u)(?:ß|ss)(?: gott| dich)?|danke(?: schön| schoen| sehr)?|tsch(?:ü|ue|u)ss"
    r"|auf wiedersehen|mahlzeit|prost"
    r"|buon(?:giorno|asera|anotte)|buon (?:giorno|pomeriggio)|buona (?:sera|notte|giornata)"
    r"|ciao|salve|grazie(?: mille)?|arrivederci"
    r"|goede(?:morgen|middag|navond)|goeden? (?:morgen|middag|avond|dag)|dank je(?: wel)?|doei"
    r"|hej|hei|god (?:morgen|morgon|dag|kveld)|tack(?: så mycket)?|takk|tak"
    r"|dzie[nń] dobry|cze[sś][cć]|dzi[eę]k(?:i|uj[eę])|dobry wiecz[oó]r|do widzenia"
    r"|dobr[yý] (?:den|ve[cč]er)|ahoj|zdravo|dobro jutro|hvala|merhaba|g[uü]nayd[iı]n"
    r"|te[sş]ekk[uü]rler|namaste|salaam(?: alaikum)?|as-?salaamu?(?: |-)alaikum|shalom|sawubona"
    r"|jambo|aloha|konnichiwa|ohayo|arigato|ni hao|xie xie|annyeong|kalimera|kalispera|efcharisto"
    r"|privet|spasibo|zusammen|allerseits|[aà] tous|a tod[oa]s|a tutti|tout le monde|pessoal"
    r"|amigos?|leute|allemaal)"
)

RULES: tuple[tuple[re.Pattern[str], str, Weight], ...] = (
    *((pattern, label, Weight.SURE) for pattern, label in IDIOMS),
    # Nothing about cases.
    (
        re.compile(
            r"^(?:your|you are|you is) (?:the |a |an |so |very |really |such )*(?:best|great"
            r"|star|genius|brilliant|amazing|legend|lovely|funny|useless|stupid|rubbish)(?: bot)?$"
        ),
        "small_talk",
        Weight.SURE,
    ),
    (
        phrase(
            r"select (?:\*|[^ ]+) from|drop table|insert into|delete from"
            r"|union select|update [^ ]+ set"
        ),
        "out_of_scope",
        Weight.SURE,
    ),
    (
        phrase(
            r"(?:repeat|print|reveal|show|tell|output|what (?:is|are)"
            r"|give)(?: me)?(?: us)? (?:[^ ]+ ){0,3}(?:(?:system |hidden "
            r"|secret |initial )?(?:prompt|instructions)|system message"
            r"|api key|password|passwords|token|secrets|secret keys?)"
        ),
        "out_of_scope",
        Weight.SURE,
    ),
    (
        phrase(
            r"(?:has|have|did|does|is|was) \{person\} (?:been |ever "
            r"|already )*(?:ask(?:ed|ing)?|search(?:ed|ing)?|look(?:ed"
            r"|ing)? (?:up|for)|chat(?:ted|ting)?|talk(?:ed|ing)?"
            r"|say(?:ing)?|writ(?:e|ten|ing)|want(?:ed)? to know) (?:from "
            r"|to |with )?(?:you|about|of you)",
            r"(?:questions|chats?|searches|messages) (?:of|by|from" r"|with) \{person\}",
            r"\{person\} (?:questions|chats?|searches|dms|messages)",
            r"(?:users|people|others|everyone|colleagues|anyone"
            r"|somebody) (?:else )?(?:is |are |has "
            r"|have |been )*(?:asking|asked)(?: you)?",
        ),
        "out_of_scope",
        Weight.SURE,
    ),
    (
        phrase(
            r"(?:goes|go|pairs?|pairing|matches) (?:well |best |nicely )?with(?! (?:me|\{|it"
            r"|that|this|the))"
            r"|wi-?fi(?: password| pw| code)?|pass ?code|pin code"
            r"|(?:what|which|where) should (?:i|we) (?:eat|drink|cook|wear|watch|buy|go)"
            r"|exchange rate|(?:doing )?against the (?:euro|dollar|pound)|tell me about yourself"
            r"|in (?:french|polish|spanish|italian|german|portuguese)|translat(?:e|ion)|riddle"
            r"|weather|rain(?:ing|y)?|forecast|temperature outside|capital of"
            r"|recipe|poem|joke|song|translate|football"
            r"|(?:bus|train|taxi|tube|tram) (?:to|times?|home|leaves?|station|timetable)"
            r"|(?:next|last|which|what|call(?: me)? an?|book(?: me)? an?|order(?: me)? an?)"
            r" (?:bus|train|taxi|tube|tram)"
            r"|who won|score|write (?:me )?(?:a|an|the|some)"
            r"|draft (?:me )?(?:a|an)|compose|horoscope|news headlines"
            r"|stock market|share price|bitcoin|meaning of life"
            r"|what is \d+ ?[x*+/-] ?\d+|flight|netflix|movie|film|lottery"
            r"|birthday|population of|president|prime minister"
        ),
        "out_of_scope",
        Weight.LIKELY,
    ),
    (
        re.compile(rf"^{_FOREIGN_GREETING}(?: (?:{_FOREIGN_GREETING}|{_SMALL})){{0,5}}$"),
        "small_talk",
        Weight.SURE,
    ),
    (
        re.compile(rf"^(?=(?:[^ ]+ )*{_GREETING}(?![^ ])){_SMALL}(?: {_SMALL}){{0,7}}$"),
        "small_talk",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"are you (?:a |an )?(?:real|human|robot|bot|person|machine|ai"
            r"|alive|there|ok|well|sentient)(?: [^ ]+)?",
            r"how are you(?: doing)?|how is it going|how goes it$|who (?:made|built"
            r"|wrote) you|do you (?:sleep|dream|have feelings|like|love"
            r"|ever sleep)(?: [^ ]+){0,2}|(?:are you )?having (?:a )?(?:good"
            r"|nice|busy) day|what is your name|you (?:are|is) (?:the |a "
            r"|so )?(?:great|best|star|genius|brilliant|good|useless|rubbish"
            r"|stupid|funny)",
        ),
        "small_talk",
        Weight.LIKELY,
    ),
    # Everything that may be seen, however it is demanded.
    (
        phrase(
            r"(?:show|print|list|dump|display|export|output|reveal|send|give|expose)(?: me| us)? "
            r"(?:[^ ]+ ){0,2}(?:every(?:thing)?|all)(?: (?:the|of|them|open|hidden|private|secret"
            r"|other|our|your|single))* (?:cases?|exceptions?|cards)(?! (?:that|of|about|on) )",
            r"(?:show|print|list|dump|display|export|reveal|give|expose)(?: me| us)? "
            r"(?:the |all |any |your |every )*(?:hidden|private|secret|confidential|restricted) "
            r"(?:cases?|ones|cards|exceptions)",
            r"(?:and|rules|instructions|then|now) (?:show|print|list|dump|display|reveal)"
            r"(?: me| us)? (?:everything|all)(?: (?:you have|there is|of it|now))?$",
        ),
        "list",
        Weight.SURE,
    ),
    # Acts.
    (
        phrase(
            rf"(?:mark|set|flag|put|consider|treat|record|count|register) {_IT} "
            r"(?:down )?(?:as |to )?(?:being )?(?:approved|signed(?: off)?|ok|accepted"
            r"|authori[sz]ed)"
        ),
        "act.approve",
        Weight.SURE,
    ),
    (
        phrase(
            rf"(?:mark|set|flag|put|consider|treat|record|count|register) {_IT} "
            r"(?:down )?(?:as |to )?(?:being )?(?:rejected|declined|refused|turned down|denied)"
        ),
        "act.reject",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:un-?pause|resume|restart"
            rf"|start (?:[^ ]+ ){{0,3}}again"
            rf"|switch (?:[^ ]+ ){{0,4}}(?:back )?on"
            rf"|turn (?:[^ ]+ ){{0,4}}(?:back )?on|lift the pause|re-?enable)\b"
        ),
        "act.resume",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:pause|halt|stop (?:all |the |any "
            rf"|every )?(?:[^ ]+ ){{0,3}}(?:orders|ordering|payments|paying"
            rf"|automatic|everything|automation|running|actions)|hold all"
            rf"|freeze|switch (?:[^ ]+ ){{0,4}}off|turn (?:[^ ]+ ){{0,4}}off"
            rf"|suspend)\b"
        ),
        "act.pause",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:undo|take (?:{_IT} )?(?:[^ ]+ )?back|revert"
            rf"|roll (?:{_IT} )?back|reverse|cancel (?:that|it|this|the"
            rf"|\{{case\}})|withdraw|bring (?:it|that) back)\b"
        ),
        "act.take_back",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:approve|sign off|sign|say yes to|ok"
            rf"|authori[sz]e|accept|green ?light|let (?:it|this"
            rf"|\{{case\}}) (?:through|pass)|press (?:approve|yes)|wave) (?:(?:on|off"
            rf"|off on) )?{_IT}(?! i )"
        ),
        "act.approve",
        Weight.SURE,
    ),
    (
        re.compile(
            r"^(?!(?:[^ ]+ )*(?:who|why|when|what|how|can i|may i"
            r"|which)(?![^ ]))(?:[^ ]+ )*(?:approve"
            r"|sign off) \{case\}(?: and| for| now| please|$)"
        ),
        "act.approve",
        Weight.LIKELY,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:approve|approved|yes approve|accept|go ahead"
            rf"|do it)(?: please| now)?$"
        ),
        "act.approve",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:reject|decline|refuse|turn (?:{_IT} )?down"
            rf"|say no to|deny|veto|bin|kill|dismiss|knock (?:{_IT} )?back|shoot (?:{_IT} )?down"
            rf"|throw (?:{_IT} )?out|send (?:{_IT} )?back|scrap|nix|axe|disapprove|disallow"
            rf"|give (?:{_IT} )?(?:a |the )?(?:no|thumbs down)|vote (?:no|against)|no to)(?![^ ])"
        ),
        "act.reject",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:snooze|postpone|put (?:{_IT} )?off|park"
            rf"|remind me (?:of|about) (?:{_IT})|come back to|ask me again"
            rf"|wake me|defer|sleep on|hide|not now)(?![^ ])"
        ),
        "act.snooze",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:remind|nudge|ping|poke|chase|chase up|prod"
            rf"|give) (?:up )?(?:\{{person\}}|\{{group\}}|them|him|her"
            rf"|whoever|everyone|the)(?: (?:a )?(?:nudge|reminder|poke|push"
            rf"|shout|about|to|on|of|again|please|that|for)(?![^ ]).*)?$"
        ),
        "act.remind",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:give|hand|pass|assign|re-?assign|transfer|move"
            rf"|send|forward|delegate|refer|kick|bounce|bump|punt|shift|toss|throw|route|redirect"
            rf"|re-?route|allocate|turn|sling|shove|switch"
            rf"|escalate) (?:{_IT} )?(?:[^ ]+ ){{0,3}}(?:over )?(?:to|for"
            rf"|onto|along) (?:the )?(?:\{{person\}}|\{{group\}}|someone"
            rf"|somebody)"
        ),
        "act.hand_over",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:(?:\{{person\}}|\{{group\}}) (?:should|can"
            rf"|could|will|must) (?:take|have|do|handle|own) (?:it|this|that"
            rf"|\{{case\}})|let (?:\{{person\}}|\{{group\}}) (?:take|have|do"
            rf"|handle|own|deal with))"
        ),
        "act.hand_over",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:claim|i will (?:take|do|handle|own|look after"
            rf"|deal with)|(?:let me |i can |i )(?:take|handle|do|own"
            rf"|have) (?:it|this|that|\{{case\}})|take (?:it|this|that"
            rf"|\{{case\}})$|assign (?:{_IT} )?to me|give (?:{_IT} )?to me"
            rf"|give me (?:this|that|it|\{{case\}})|put me (?:on|down)"
            rf"|i am (?:on it|taking)|mine now|this is mine)(?![^ ])"
        ),
        "act.claim",
        Weight.SURE,
    ),
    (
        re.compile(
            r"^(?:(?:hi|hey|hello|ok|so|just|fyi|heads up|am|i am|we|be) )*(?:away|off|out(?! of)"
            r"|on (?:holiday|leave|vacation|annual leave)|not in|gone|abroad|travelling|traveling)"
            r"(?: [^ ]+){0,4} \{period\}(?: [^ ]+){0,3} \{person\} (?:[^ ]+ ){0,3}(?:me|mine|my"
            r"|in)(?![^ ])"
            r"|\{person\} (?:covers?|decides|signs|approves|acts|takes over|steps? in|fills? in"
            r"|stands? in|will cover|is covering|is standing in|is my (?:deputy|stand in|cover))"
            r"(?: (?:for|from|on behalf of))? ?(?:me|mine|my [^ ]+)?"
            r"(?= (?:until|from|while|till|through|this|next|on|\{period\})(?![^ ]))"
            r" (?:until|from|while|through)(?! [^ ]+ (?:case|\{case\}))"
            r"|(?:until|from) (?:the )?\{period\} \{person\} (?:covers?|decides|signs|approves"
            r"|acts|takes over|steps in|fills in|stands in|is my [^ ]+)(?: (?:for|from) me)?"
            r"|i am (?:[^ ]+ ){0,2}(?:off|away|out|on (?:holiday|leave"
            r"|vacation)|sick|ill|not in)(?![^ ]).*\{person\}"
            r"|\{person\} (?:does|covers?|has|takes?|handles?|stands? in"
            r"|is doing|will (?:do|cover|take|handle)) (?:for )?(?:mine|me"
            r"|my)(?![^ ])|(?:cover|stand in|fill in|deputise) for (?:me"
            r"|\{person\}) (?:until|while|this|next|on|\{period\})"
            r"|make \{person\} my (?:deputy|stand in|replacement)|(?:let"
            r"|have|set|put) \{person\} (?:[^ ]+ ){0,2}(?:stand|cover|fill"
            r"|deputise|decide|approve|step)(?:ing)?(?: in)? (?:for )?(?:me"
            r"|mine|my)|\{person\} (?:to |should |can |will )?(?:stand"
            r"|stands|fill|cover|step)s?(?: in)? for me"
        ),
        "act.stand_in",
        Weight.SURE,
    ),
    (
        re.compile(
            rf"(?:{_ACT_BEGIN}|\bplease |someone |somebody |you )(?:log|raise"
            rf"|report|file|record|open|create|register|note) (?:it|this|that"
            rf"|a (?:new )?(?:case|ticket|exception|issue|problem)"
            rf"|an exception|a problem)(?![^ ])"
        ),
        "act.raise",
        Weight.LIKELY,
    ),
    (
        re.compile(
            rf"{_ACT_BEGIN}(?:edit|amend|adjust|modify|change (?:it|this|that"
            rf"|the|to|\{{case\}})|make (?:it|that|this|them) (?:\d+"
            rf"|\{{money\}}|less|more|only)|order (?:only "
            rf"|just )?(?:\{{money\}}|[a-z]* ?\d+|less|more|fewer)|set (?:it"
            rf"|this|the|quantity)|reduce|lower|raise the|increase|use \d+"
            rf"|(?:only |just )?\d+ (?:not|instead|rather)|\{{money\}} (?:not"
            rf"|instead))(?![^ ])"
        ),
        "act.edit",
        Weight.SURE,
    ),
    # The product.
    (
        re.compile(
            r"^(?:help|\?|help me|please help|i need help|usage|commands"
            r"|how do(?:es)? (?:this|it|you) work|how do i use (?:this|you"
            r"|it))$"
        ),
        "help.asking",
        Weight.SURE,
    ),
    (
        phrase(
            r"what (?:can|could|may|should) (?:i|we) ask(?: you)?|how (?:do"
            r"|can|should) i (?:ask|use|talk to|query|search)"
            r"|what (?:questions|commands)|example questions"
        ),
        "help.asking",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"how (?:do|can|could|should|would|to) ?(?:i|we|you|someone"
            r"|one)? (?:raise|report|log|flag|add|file|submit|create|open"
            r"|tell you|let you know|get (?:it|this|that|something|a)"
            r"|put (?:it|this|that|something)|enter|register)",
            r"where (?:do|can) i (?:raise|report|log|flag|add|file)",
        ),
        "help.raise",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:what|which|anything|things?) (?:[^ ]+ ){0,3}(?:can|could|do"
            r"|will|are|is) (?:you "
            r"|it )?not (?:be )?(?:you )?(?:able to )?(?:handle|do|deal with"
            r"|cover|touch|manage|solve|know|support)",
            r"can you not|are you not able|(?:what|where) are your (?:limits"
            r"|limitations|gaps|blind spots)|what (?:is|are) (?:beyond"
            r"|outside|out of) your?",
            r"(?:do|can) you (?:also )?(?:do|handle|cover|deal with|process"
            r"|issue|manage|book|make|order|pay|sort) (?!(?:alone|it|this"
            r"|that|\{case\}|i|on|by|without))[^ ]+(?: [^ ]+)?$",
        ),
        "capability.cannot",
        Weight.SURE,
    ),
    (
        phrase(
            r"(?:how much|what) (?:[^ ]+ ){0,2}(?:are|may|can"
            r"|could) you (?:allowed|permitted|able)? ?(?:to )?(?:spend"
            r"|approve|pay|commit|sign)",
            r"(?:your|the) (?:spending |money |own )?limits?(?: for you)?$"
            r"|(?:allowed|permitted) to (?:spend|pay|commit)|up to how much"
            r"|what is your (?:limit|budget|ceiling)",
        ),
        "capability.limits",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:which|what) (?:kinds?|sorts?|types?|things?|cases?"
            r"|exceptions?|ones)? ?(?:[^ ]+ ){0,2}(?:do|can|are|may|will"
            r"|would) you (?:[^ ]+ ){0,4}(?:alone|by yourself|on your own"
            r"|without (?:asking|us|me|a|any).*|automatically|unattended"
            r"|yourself|autonomously)"
        ),
        "capability.autonomy",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:can|do|could) you (?:read|see|access|check|open"
            r"|look (?:into|at|in)|connect to|get into|use|listen|hear|watch"
            r"|scan|search) (?:my |our |the )?(?:e?-?mails?|inbox|slack"
            r"|calendar|phone|whatsapp|sheets?|excel|till|pos|website|drive"
            r"|crm|internet|database|messages|dms|files|cameras?|rota|xero"
            r"|sage)",
            r"(?:which|what) (?:systems?|sources?|data|apps?"
            r"|feeds?) (?:[^ ]+ ){0,3}(?:you|it)|where (?:do|does) (?:you|it"
            r"|the) (?:[^ ]+ ){0,3}(?:from|data)|(?:connected|hooked up"
            r"|plugged in|wired|linked) (?:to|in to|into)",
        ),
        "capability.sources",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:what|which) (?:kinds?|sorts?"
            r"|types?) (?:[^ ]+ ){0,3}you (?!(?:alone|by))|(?:what"
            r"|which) (?:kinds?|sorts?|types?) of (?:trouble|problems?"
            r"|things?|cases?|exceptions?|issues?|stuff) (?:[^ ]+ ){0,3}you",
            r"what (?:do|can|are) you (?:watch|looking out|look out|monitor"
            r"|keep an eye|cover|handle|detect|catch|spot|deal with"
            r"|know about|help with|track)(?: for| on)?(?: with)?",
            r"(?:list|show)(?: me)?(?: all)?(?: the| your)? (?:kinds|types" r"|playbooks)",
        ),
        "capability.kinds",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"what (?:actions|changes|steps) can you"
            r"|what can you (?:actually )?(?:do|change|carry out|run"
            r"|execute)|which actions"
        ),
        "capability.actions",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"what (?:are|is) (?:you|this|this bot|countersign"
            r"|the bot)(?: actually| even| really)? (?:for|good for|about)"
            r"|what do you (?:actually |even )?do|who are you|what are you$"
            r"|your (?:purpose|job|role)|what is (?:your|the) (?:point"
            r"|purpose|use)(?: of (?:you|this|it))?|why (?:are|do) (?:you"
            r"|we have you) (?:here|exist)"
        ),
        "capability.purpose",
        Weight.LIKELY,
    ),
    # People and the desk.
    (
        phrase(
            r"who (?:all )?(?:is|are) (?:all |else )?(?:in|part of"
            r"|a member of|members of|on|the) (?:the )?\{group\}(?: group"
            r"| team)?",
            r"(?:members?|people|list|names) (?:of|in|are in" r"|on) (?:the )?\{group\}",
            r"who (?:belongs to|makes up|sits in|counts as) (?:the )?\{group\}",
        ),
        "who.members",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:who|whom|anybody|anyone|somebody|someone|any one|is|are) (?:[^ ]+ ){0,2}(?:stands?"
            r"|standing|fill(?:s|ing)?|step(?:s|ping)?|deputi[sz](?:es?|ing)"
            r"|cover(?:s|ing)?|sub(?:s|bing)?|decid(?:es|ing)|act(?:s"
            r"|ing)?) (?:in )?(?:for|as|instead of) (?:\{person\}|me|who"
            r"|whom)",
            r"(?:deputy|stand in|stand ins|substitute|replacement|cover"
            r"|backup|back up) (?:of|for) (?:\{person\}|me)"
            r"|\{person\} (?:deputy|stand in|substitute|replacement|backup)"
            r"|who (?:replaces|is replacing|deputises)|who (?:decides"
            r"|approves|signs|acts|does|is) (?:[^ ]+ )?(?:when|while"
            r"|if) \{person\}(?: [^ ]+){1,3}|who stands in"
            r"|who is (?:standing in|deputising|on holiday|away|off)|(?:does"
            r"|has|is) \{person\} (?:have|got)? ?(?:a|an|any)? ?(?:deputy"
            r"|stand in|away|off|on holiday|back|out)",
        ),
        "who.stand_in",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"who (?:is|are|keeps?|has|have|was) (?:[^ ]+ )?(?:holding"
            r"|blocking|slowing|delaying|sitting on|stalling|clogging"
            r"|the (?:bottleneck|blocker|hold up|slowest)|behind|keeping"
            r"|late|dragging|stopping|letting)(?: [^ ]+){0,4}",
            r"(?:where|what|who) is (?:the |our )?(?:bottleneck|hold up"
            r"|blocker|jam|blockage)|(?:on|for) (?:who|whom) (?:is|are|do"
            r"|does) (?:[^ ]+ ){0,3}(?:wait|waiting)|who (?:needs"
            r"|is) (?:a )?(?:chasing|kick|to get a move on|to hurry)",
        ),
        "who.blocker",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:what|which) (?:[^ ]+ ){0,2}(?:is|are) (?:currently "
            r"|now )?paused|(?:is|are) (?:[^ ]+ ){0,3}paused"
            r"|any(?:thing)? paused|pauses|kill switch|paused"
        ),
        "status.pause",
        Weight.WEAK,
    ),
    # Numbers.
    (
        phrase(
            r"(?:how often|what (?:share|percentage|percent|proportion"
            r"|fraction|rate)|how many percent|(?:the )?(?:rejection"
            r"|refusal) rate|how (?:frequently"
            r"|regularly))(?: [^ ]+){0,8} (?:reject(?:ed|ing)?"
            r"|turn(?:ed)? down|say no|said no|refused?|declined?|den(?:y"
            r"|ied)|not approved?|knocked? back)",
            r"(?:rejection|refusal) rate",
        ),
        "count.rejection_rate",
        Weight.SURE,
    ),
    (
        phrase(
            r"(?:how often|what (?:share|percentage|percent|proportion"
            r"|fraction)|how many percent|how (?:frequently"
            r"|regularly))(?: [^ ]+){0,8} (?:edit(?:ed)?|chang(?:e|ed)"
            r"|adjust(?:ed)?|amend(?:ed)?|modif(?:y|ied)|tweak(?:ed)?"
            r"|correct(?:ed)?|fiddle[ds]?|fiddling|tinker(?:ed|s)?|meddled?|mess(?:ed)? with"
            r"|tampered?"
            r"|interfered?|rework(?:ed)?|rewrit(?:e|ten)|overrid(?:e|den))",
            r"edit rate",
        ),
        "count.edit_rate",
        Weight.SURE,
    ),
    (
        phrase(
            r"(?:how often|what (?:share|percentage|percent|proportion"
            r"|fraction)|how many percent|how (?:frequently"
            r"|regularly))(?: [^ ]+){0,8} (?:right|agree[ds]?|unchanged"
            r"|as (?:you )?(?:suggested|proposed|recommended)|follow(?:ed)?"
            r"|correct|accurate|wrong|your (?:suggestions?|advice"
            r"|proposals?)|spot on)",
            r"how (?:accurate|reliable|right|good) (?:are|were|is"
            r"|have) (?:you|your|been)(?: [^ ]+)*|hit rate|your (?:success"
            r"|accuracy|track record)|accept(?:ance|ed unchanged) rate",
        ),
        "count.accepted_unchanged_rate",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:how often|what (?:share|percentage|percent|proportion"
            r"|fraction)|how many percent|how (?:frequently"
            r"|regularly))(?: [^ ]+){0,8} (?:work(?:s|ed)?|succeed(?:s|ed)?"
            r"|success(?:ful)?|go(?:es)? through|fail(?:s|ed)?|go wrong)",
            r"success rate|failure rate",
        ),
        "count.success_rate",
        Weight.SURE,
    ),
    (
        phrase(
            r"(?:how often|what (?:share|percentage|percent|proportion"
            r"|fraction)|how many percent|how (?:frequently"
            r"|regularly))(?: [^ ]+){0,8} (?:approv(?:e|ed)|say yes|said yes"
            r"|sign(?:ed)? off|accept(?:ed)?|agree)",
            r"approval rate",
        ),
        "count.approval_rate",
        Weight.SURE,
    ),
    (
        phrase(
            r"how (?:long|quick|quickly|fast|slow|slowly|soon"
            r"|speedy)(?: [^ ]+){0,8} (?:decision|decisions|decide[ds]?"
            r"|deciding|approve[ds]?|approval|answer(?:ed)?|react|respond"
            r"|sign(?:ed)?|yes|no|first (?:answer|decision))(?: [^ ]+)*",
            r"(?:median|average|mean|typical|usual) (?:[^ ]+ ){0,3}(?:to"
            r"|until|for) (?:a )?(?:decide|decision|approve|approval|answer)"
            r"|time to (?:decide|decision|approval)|decision times?"
            r"|reaction times?",
        ),
        "how_long.median_time_to_decide",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"how (?:long|quick|quickly|fast|slow|slowly"
            r"|soon)(?: [^ ]+){0,8} (?:usually|normally|typically|generally"
            r"|on average|take|takes|took|taking|need|needs|last|lasts"
            r"|resolved?|closed?|fix|fixed|finish(?:ed)?|solved?|done"
            r"|sorted)(?: [^ ]+)*",
            r"(?:median|average|mean|typical|usual) (?:[^ ]+ ){0,3}(?:time"
            r"|duration|turnaround)|turnaround|time to (?:resolve|resolution"
            r"|close|fix)|average age",
        ),
        "how_long.median_time_to_resolve",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"how long (?:has|have|is|was"
            r"|were)(?: [^ ]+){0,3} (?:been )?(?:open|waiting|sitting|here"
            r"|around|there|pending|lying|stuck|with us|hanging|going on"
            r"|on)(?: [^ ]+)*|how old is|(?:what is )?the age of"
            r"|since when (?:is|has)(?: [^ ]+){0,3}(?: open| waiting"
            r"| there)?"
        ),
        "how_long.opening",
        Weight.LIKELY,
    ),
    # One case.
    (
        phrase(
            r"(?:everything|all|anything) (?:that )?(?:ever |has "
            r"|had )*(?:happened|was done|occurred)(?: [^ ]+)*|(?:full "
            r"|whole |complete |entire )?(?:history|audit trail|trail"
            r"|timeline|log|story|record|chronology|paper trail)(?: of| on"
            r"| for)? (?:\{case\}|this|it|that)|who did what(?: [^ ]+)*"
            r"|from (?:start|beginning) to (?:end|finish)|step by step"
            r"|blow by blow|audit trail|paper trail|chronology"
            r"|the whole (?:story|history)|every step|full history"
        ),
        "status.trail",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"who (?:else |all |exactly |actually )?(?:is (?:allowed|able"
            r"|supposed|meant|entitled|authori[sz]ed|needed|required"
            r"|still needed|still missing|missing)(?: to)?|can|may|could"
            r"|might|must|should|has to|have to|needs to|need to|gets to"
            r"|has the (?:right|power) to|would have to)(?: still| also"
            r"| else)?(?: (?:[^ ]+ ){0,2}" + _CAN_SAY_YES + r")?",
            r"whose (?:ok|yes|approval|signature|sign off|say|decision|call"
            r"|turn)|(?:which|what) (?:people|approvers?|groups?|person"
            r"|managers?) (?:can|may|must|need|has|have)|who (?:are"
            r"|is) (?:the |its )?approvers?|who else|(?:am|are) (?:i"
            r"|we) allowed to (?:approve|decide|sign)|can (?:i|\{person\}"
            r"|we) (?:approve|sign|decide|ok)(?: [^ ]+)?",
        ),
        "who_may_approve.approver",
        Weight.LIKELY,
    ),
    (
        phrase(
            rf"who (?:has |have |had |was it that |is it that |actually |all "
            rf"|else )*{_DECIDED}",
            r"(?:was|were|is|has|have|had|did) (?:it|this|that|they|\{case\}"
            r"|the [^ ]+) (?:been )?(?:approved|rejected|decided|signed off"
            r"|signed)?(?: [^ ]+)? ?by (?:a |an |any )?(?:person|human|who"
            r"|whom|someone|somebody|policy|you|people|manager|machine"
            r"|real person|bot)",
            r"by whom|who by|who(?:m)? (?:[^ ]+ ){0,3}(?:approved|rejected|decided"
            r"|signed)(?: [^ ]+)? by|(?:a |any )?(?:human"
            r"|person) (?:approved|decided|signed|say yes)",
        ),
        "who.decision",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"who (?:has(?! not| \{)|have(?! we| not| you| they| i )|got"
            r"|owns?|is (?:on|handling|dealing with|looking after"
            r"|responsible for|working on|in charge of|the owner|doing"
            r"|on top of|taking care of|answerable for"
            r"|assigned to))(?: [^ ]+){0,3}",
            r"(?:belongs?|assigned|given) to (?:who|whom)|whose (?:is|case"
            r"|one|job|problem|baby|task|responsibility)(?: [^ ]+){0,3}"
            r"|(?:the )?owner(?: of)?(?: [^ ]+)?|with (?:who|whom) is"
            r"|who (?:looks after|takes care of|deals with|handles"
            r"|is it with|runs)",
        ),
        "who.owner",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:can|could|may|is|are|how long can"
            r"|until when can)(?: [^ ]+){0,4} (?:(?:be )?(?:taken|take"
            r"|pulled|got|get|called) (?:it |that |this )?back|undone?|undo"
            r"|reversed?|rolled back|roll(?: it)? back|reverted?|revert"
            r"|cancelled|stopped|reversible|unwound)(?: [^ ]+)*",
            r"too late to (?:undo|take|stop|cancel|reverse)(?: [^ ]+)*"
            r"|still (?:undo|reversible|be undone)",
        ),
        "when.undo",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:when|what time|until when|how long (?:until|before|till)"
            r"|by when|how soon|in how long)(?: [^ ]+){0,5} (?:expires?"
            r"|expiry|runs? out|lapses?|lapse|times? out|die|end unapproved"
            r"|no longer valid|be too late)(?: [^ ]+)*",
            r"(?:how long|until when) (?:is|are|do|does"
            r"|will)(?: [^ ]+){0,4} (?:valid|good|last|live|stand)"
            r"|expiry (?:date|time)?",
        ),
        "when.expiry",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:by|until) when|(?:when|what time"
            r"|how soon)(?: [^ ]+){0,4} (?:due|deadline|(?:have to|must"
            r"|need to|should|got to) (?:be )?(?:decided?|answer(?:ed)?"
            r"|approved?|act|sign(?:ed)?|respond))(?: [^ ]+)*",
            r"(?:what is|when is|whats)?(?: the)? deadline(?: for| of"
            r"| on)?(?: [^ ]+)?|how (?:long|much time) (?:do|have|did) (?:we"
            r"|i|they)(?: [^ ]+)*|how much time (?:is|do|have)(?: [^ ]+)*"
            r"|when is (?:[^ ]+ ){0,2}due",
        ),
        "when.due",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:when|what time|what day)(?: [^ ]+){0,4} (?:run|ran"
            r"|executed?|carried out|done|go through|went through|happen"
            r"|happened|paid|sent|ordered|booked)(?: [^ ]+)*"
        ),
        "when.execution",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:when|what time|what day)(?: [^ ]+){0,4} (?:approved?"
            r"|rejected?|decided?|signed?(?: off)?|turned down"
            r"|edited)(?: [^ ]+)*"
        ),
        "when.decision",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:when|what time|what day)(?: [^ ]+){0,4} (?:opened|open"
            r"|raised|came in|come in|arrived?|reported|start(?:ed)?|created"
            r"|logged|found|show up|noticed|first seen)(?: [^ ]+)*"
        ),
        "when.opening",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:when|what time|what day)(?: [^ ]+){0,4} (?:closed?"
            r"|end(?:ed)?|finish(?:ed)?|resolved?|over|clear(?:ed)?"
            r"|expired)(?: [^ ]+)*"
        ),
        "when.ending",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:when|until when|how long)(?: [^ ]+){0,4} (?:snoozed?|asleep"
            r"|wakes?(?: up)?|come back|back|return)(?: [^ ]+)*"
        ),
        "when.snooze",
        Weight.LIKELY,
    ),
    (
        phrase(r"(?:when|since when|how long)(?: [^ ]+){0,4} paused?(?: [^ ]+)*"),
        "when.pause",
        Weight.LIKELY,
    ),
    (
        # Causes are not recorded; the number is.
        phrase(
            r"(?:why|how come)(?: (?:do|are|is|did|have|has|were|we|there|you|i|they|been|get|got"
            r"|getting|see|seeing|seen|having|had))* (?:so many|so few|such a lot|so much|more"
            r"|fewer"
            r"|all these|loads of|lots of|this many)(?: [^ ]+)*"
        ),
        "count",
        Weight.SURE,
    ),
    (
        phrase(
            r"why (?:did|have|would|could|can|do|are|were)? ?(?:you|it"
            r"|we)? ?(?:not|never) (?:you )?(?:just )?(?:do|run|handle|fix"
            r"|approve|carry|execute|go ahead|act|order|pay|sort"
            r"|simply)(?: [^ ]+)*",
            r"why (?:did|do|have|are) you (?:do|done|run|ran|approve|carry"
            r"|execute|go ahead|order|pay|ask|asking|asked|need|want|bother"
            r"|decide|act|let|make|handle|fix)(?: [^ ]+)*",
            r"can (?:you )?not (?:you )?just(?: do| run| fix| handle"
            r"| sort)?(?: [^ ]+)*|why (?:is|are|was|were|do|does"
            r"|did) (?:[^ ]+ ){0,3}(?:\{group\}|two|second|needed|required"
            r"|involved|necessary|asked|ask|need|manual)(?: [^ ]+)*"
            r"|why (?:not )?(?:alone|by yourself|automatic|automatically"
            r"|on your own|without)(?: [^ ]+)*|why (?:was|is"
            r"|were) (?:[^ ]+ ){0,2}(?:automatic|done automatically"
            r"|run automatically|allowed|not automatic)(?: [^ ]+)*|(?:what"
            r"|which) (?:rule|policy)(?: [^ ]+)*",
        ),
        "explain_decision.verdict",
        Weight.LIKELY,
    ),
    (
        phrase(r"why (?:[^ ]+ ){0,3}(?:on me|with me|to me|mine|me|i" r"|my)(?: [^ ]+){0,4}$"),
        "why.approver",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"why (?:[^ ]+ ){0,6}(?:suggest(?:ing|ed|s)?|recommend(?:ing|ed"
            r"|s)?|propos(?:e|ing|ed)|advis(?:e|ing)|advice|suggestion"
            r"|recommendation|proposal|prefer|think (?:we|i) should"
            r"|this (?:plan|action|option)|want(?:ing)? to)(?: [^ ]+)*"
        ),
        "why.recommendation",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"why (?:[^ ]+ ){0,5}(?:kind|sort|type|category|recogni[sz]ed?"
            r"|classif(?:y|ied)|labelled|think it is|filed (?:as|under)"
            r"|think (?:this|that|it) is|called|treated as"
            r"|count as)(?: [^ ]+)*",
            r"how (?:do|did) you (?:know|recogni[sz]e|tell"
            r"|figure)(?: [^ ]+)*|what makes you think(?: [^ ]+)*",
        ),
        "why.recognition",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"why (?:[^ ]+ ){0,6}(?:expired?|lapsed?|run out|ran out"
            r"|time out|timed out|end(?:ed)?|closed?|clear(?:ed)?|gone"
            r"|disappear(?:ed)?|vanish(?:ed)?|over)(?: [^ ]+)*"
        ),
        "why.ending",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"why (?:[^ ]+ ){0,6}(?:not (?:[^ ]+ ){0,2}(?:done|run|finished"
            r"|executed|carried out|happened|gone through|moving|resolved"
            r"|complete|completed|through)|fail(?:ed)?|stuck|taking|takes"
            r"|still (?:open|not|running|there|pending)|nothing happen(?:ed"
            r"|ing)?|delayed|hanging|not work(?:ing|ed)?|go wrong|went wrong"
            r"|slow)(?: [^ ]+)*",
            r"what (?:went wrong|is keeping|is holding)(?: [^ ]+)*",
        ),
        "why.execution",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"why (?:[^ ]+ ){0,6}(?:again|twice|asked again|second time|back"
            r"|new plan|re-?opened)(?: [^ ]+)*"
        ),
        "why.drift",
        Weight.LIKELY,
    ),
    (
        phrase(r"why (?:[^ ]+ ){0,6}(?:escalat(?:ed|e)|gone up|passed up" r"|bumped)(?: [^ ]+)*"),
        "why.escalation",
        Weight.LIKELY,
    ),
    (
        phrase(r"why (?:[^ ]+ ){0,6}(?:snoozed?|put off|asleep)(?: [^ ]+)*"),
        "why.snooze",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"why (?:[^ ]+ ){0,6}(?:rejected?|approved?|decided?"
            r"|turned? (?:[^ ]+ )?down|declined?|refused?|edited|changed?"
            r"|said no|say no|denied|knocked back|signed off|accepted"
            r"|sent back)(?: [^ ]+)*",
            r"^(?:and |ok |so )?(?:the |any |what |which |for what )?(?:reasons?|grounds|motive"
            r"|cause|justification|rationale)(?: given| please| for (?:that|it|this))?$",
            r"(?:what|which) (?:was|were|is) the (?:reason|grounds?"
            r"|reasoning)(?: [^ ]+)*|reason for(?: [^ ]+)*"
            r"|how come(?: [^ ]+){0,6} (?:rejected|approved|turned down"
            r"|declined|refused)|on what grounds",
        ),
        "why.decision",
        Weight.LIKELY,
    ),
    (
        re.compile(
            r"^(?:and |but |ok |so |er |hm )*(?:why|how come|how so|why so|why is that"
            r"|why was that|why not|what for|for what)(?: though| then| tho| exactly| please)*$"
        ),
        "why.decision",
        Weight.LIKELY,
    ),
    (
        re.compile(
            r"^(?:and |but |ok |so )?(?:since when|since|from when|as of when|from what time"
            r"|from what day|starting when|since what time)(?: on| onwards)?"
            r"(?: (?:is|was|has|are) (?:it|this|that|they)(?: been)?(?: open| there| waiting| so"
            r"| paused)?)?(?: then| exactly| please)?$"
        ),
        "when.opening",
        Weight.SURE,
    ),
    (re.compile(r"^(?:and |but |ok |so )?(?:until when|till when)$"), "when.expiry", Weight.LIKELY),
    (
        phrase(
            r"what (?:will|would|does|happens|is going to|are you going to"
            r"|could|exactly happens)(?: [^ ]+){0,6} (?:if|when|once|after"
            r"|should) (?:i|we|you|it|this|that|somebody|someone|nobody"
            r"|no one|\{person\})(?: [^ ]+)*",
            r"(?:if|when|once) (?:i|we) (?:say yes|approve|press|ok|agree"
            r"|click|hit|sign)(?: [^ ]+){0,5} (?:what|then what)(?: [^ ]+)*"
            r"|consequences?|what (?:am i|would i be) (?:agreeing|signing"
            r"|approving)(?: [^ ]+)*|and if (?:i|we) (?:do not|say no|reject"
            r"|ignore)|what does (?:approving|approval|a yes|yes) (?:do|mean"
            r"|change)(?: [^ ]+)*",
        ),
        "status.consequence",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"what (?:did|have|has|do) you (?:look|looked|check|checked|use"
            r"|used|see|read|base|consider|considered|find|found|compare"
            r"|go by|rely)(?: [^ ]+)*",
            r"(?:evidence|facts|proof|data) (?:behind|for|on|of"
            r"|did)(?: [^ ]+)*|(?:what|show"
            r"|where)(?: [^ ]+){0,3} (?:evidence|facts|proof|data|based on"
            r"|figures)(?: [^ ]+)*|based on what"
            r"|where did you get(?: [^ ]+)*"
            r"|what do you know about(?: [^ ]+)*|what is (?:this|that"
            r"|it) based on",
        ),
        "status.evidence",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"what (?:exactly )?did (?:[^ ]+ ){0,2}(?:change|edit|amend"
            r"|adjust|alter|modify|tweak)(?: [^ ]+)*"
            r"|what (?:exactly )?(?:[^ ]+ ){0,3}(?:changed|edited|amended"
            r"|adjusted|modified|altered|different|edits?"
            r"|corrected)(?: [^ ]+)*",
            r"(?:which|what|show)(?: [^ ]+){0,3} (?:changes|edits|difference"
            r"|differences|amendments)(?: [^ ]+)*|before and after"
            r"|how was (?:[^ ]+ ){0,2}(?:edited|changed)",
        ),
        "status.changes",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:how|what|did|do|have|has|was"
            r"|were)(?: [^ ]+){0,6} (?:last time|before(?= (?:or|and|now|too)(?![^ ])|$)"
            r"|previously|in the past|similar|earlier ones"
            r"|on other occasions)(?: [^ ]+)*|(?:anything|something|cases"
            r"|others?|one|ones|any) (?:[^ ]+ )?(?:like|similar to) (?:this"
            r"|it|that|these)(?: [^ ]+)*|anything similar|precedents?|(?:do"
            r"|did) we (?:normally|usually|generally|typically|always"
            r"|ever)(?: [^ ]+)*|(?:what|how) (?:do|did) we (?:normally"
            r"|usually|typically|generally)(?: [^ ]+)*|seen (?:this|it"
            r"|that) before|had (?:this|it|that) before|happened before"
            r"|similar (?:ones|cases)"
        ),
        "status.precedents",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"how (?:sure|certain|confident|safe)(?: [^ ]+)*"
            r"|(?:your )?confidence|are you sure(?: [^ ]+)*"
        ),
        "status.confidence",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"(?:did|has|have) (?:it|this|that|\{case\}"
            r"|the plan) (?:actually "
            r"|really )?work(?:ed)?(?: out)?(?: [^ ]+)*|what (?:came"
            r"|became) (?:out )?of(?: [^ ]+)*|what (?:was|is) the (?:result"
            r"|outcome)(?: [^ ]+)*|how did (?:it|this|that|\{case\}) (?:end"
            r"|go|turn out|work out|pan out)(?: [^ ]+)*|the (?:outcome"
            r"|result)"
        ),
        "status.outcome",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"what (?:is|are|was) (?:the|your) (?:plan|proposal|suggestion"
            r"|recommendation|idea|advice)(?: [^ ]+)*|what (?:do|would"
            r"|are) you (?:plan|propose|proposing|suggest|suggesting"
            r"|recommend|recommending|advise|want to do|intend)(?: [^ ]+)*"
            r"|what should (?:i|we) do(?: [^ ]+)*"
        ),
        "status.plan",
        Weight.LIKELY,
    ),
    (
        phrase(r"what has changed since(?: [^ ]+)*|what is (?:new" r"|different) (?:since|now)"),
        "status.drift",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"is (?:it|this|that|\{case\}) (?:already |now |all )?(?:done"
            r"|over|closed|finished|ready|through|sorted|open|complete"
            r"|resolved)(?: or not| yet| now)?",
            r"what (?:has )?happened (?:to|with) (?:it|this|that|\{case\})",
        ),
        "status",
        Weight.LIKELY,
    ),
    (
        re.compile(r"^(?:and |but |ok |so )?(?:when|when was that|at what time)$"),
        "when.decision",
        Weight.LIKELY,
    ),
    # Lists in numbers, last: the words occur in other questions too.
    (
        phrase(
            r"how much(?! (?:time|"
            r"cases|ones|exceptions|invoices|bookings|leads|orders|approvals|items"
            r"|tasks|notes|alerts|shipments|deliveries|contracts|renewals|complaints))"
            r"|how many (?:£|pounds)|combined|(?:grand "
            r"|sum )?total(?: value| amount| at stake| stake| worth| of| £"
            r"| money| exposure)?|sum(?: of| by| up)?|(?:the )?(?:value"
            r"|(?<!ones )worth|£|amount|money) (?:of|in|at(?! least| most)|is|on|for|that|we|tied"
            r"|waiting)|add(?:s|ed)? up|what (?:is|are) (?:the "
            r"|all )?(?:[^ ]+ ){0,4}(?:worth|costing"
            r"|cost)(?! (?:more|less|over|under|at|up|above|below|between|\{money\}))"
            r"(?: us)?(?: (?:in total|together|altogether|us|all))?"
            r"|what (?:are|is) we (?:risking|exposed to|spending|losing)"
            r"|what (?:are|were) we risking|at stake|exposure|what value"
        ),
        "sum",
        Weight.LIKELY,
    ),
    (
        phrase(
            r"how (?:many|much (?:cases|ones|exceptions|invoices|bookings|leads|orders|approvals"
            r"|items|tasks|notes|alerts|shipments|deliveries|contracts|renewals|complaints))"
            r"|number of|no of|# of|count(?: of| the| up| me)?|how (?:busy|full"
            r"|big is the|long is the (?:queue|list|backlog))|(?<!\} )busy"
            r"|head ?count|the (?:number|count)|why so (?:many|few)|(?:what"
            r"|how) (?:is|was) the (?:number|count|volume)|quantity of"
        ),
        "count",
        Weight.LIKELY,
    ),
)
STATUS = phrase(
    r"status|state(?: of)?|how is|how are|where (?:is|are|do|does)"
    r"|what is (?:going on|up|happening|the (?:story|latest|news"
    r"|status|state|deal|matter))"
    r"(?: with| on| of)?|what (?:has )?happened (?:to|with)"
    r"|tell me (?:more )?about|is (?:[^ ]+ ){1,3}(?:done|over|closed"
    r"|finished|approved|ready|through|sorted|open)"
    r"(?: or not| yet)?|more (?:on|about)|any (?:news|update"
    r"|progress)(?: on| about)?|what about|details?(?: of| on)?"
    r"|update(?: on| me)?|explain|what is|describe|summari[sz]e|news"
    r"|progress|still open|done yet|finished yet"
)
LIST_WORDS = phrase(
    r"stuff|things|items|which|what|list|show|any|anything|is there|are there|give|find"
    r"|everything|all|open|late|overdue|ones|who|whats|new|got|see"
    r"|cases?"
)
ONE_CASE = frozenset(
    {Ask.WHEN, Ask.WHO, Ask.WHY, Ask.STATUS, Ask.EXPLAIN_DECISION, Ask.WHO_MAY_APPROVE}
)
LISTS = frozenset({Ask.LIST, Ask.COUNT, Ask.SUM, Ask.GROUP, Ask.HOW_LONG})


@dataclass(frozen=True, slots=True)
class AskChoice:
    """The label of a question, and the labels it may have instead."""

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
    for place, (pattern, rule, _) in enumerate(RULES):
        if rule == label and (text.take(pattern) or place >= len(IDIOMS)):
            return


def choose(rule: tuple[str, Weight] | None, guesses: Sequence[Guess], default: str) -> AskChoice:
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
        return Query(ask=ask, about=_DEFAULT_FACTS.get(ask), measure=_DEFAULT_MEASURES.get(ask))
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
