"""Words that say which cases are meant: states, decisions, risks and times.

Every table is a list of phrases as people type them, and the fields of a condition that they set.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.desk.spoken_times import WEEKDAYS
from bot.views.query import LastDecision
from knowledge.language.question_text import phrase
from knowledge.language.question_words import word_set
from knowledge.language.time_words import span_name

#: What a word says; fields of a condition.
Fields = Mapping[str, Any]
SOON = span_name(timedelta(days=1), is_past=False)

_NOT = r"(?:not|never|nobody|no one|none|no)"
_NOBODY = (
    r"(?:nobody(?: of us)?|no one(?: of us)?|none of us|not one of us|not anyone"
    r"|not anybody|no (?:person|human|manager|soul|body|man))"
)
_FEW = r"(?:[^ ]+ ){0,3}"
_THING = r"(?:(?:it|them|this|that|these|those|\{case\}|\{name\}) )?"
_VOTE = (
    r"(?:approvals?|yes(?:es)?|oks?|okays?|sign offs?|signatures?|sigs?|votes?|nods?|thumbs(?: up)?"
    r"|confirmations?|authori[sz]ations?|signers?|signatories|approvers)"
)
_APPROVAL = rf"(?:{_VOTE}|people|persons|pairs of eyes|managers)"
APPROVED = (
    r"(?:approved|signed(?: it| them| this)? off|said (?:yes|ok|fine|go)(?: to| on)?"
    r"|agreed(?: to| on)?|accepted|authori[sz]ed|green ?lit|green-lit|green ?lighted"
    r"|greenlighted|green-lighted"
    rf"|(?:waved|nodded|let|passed|voted|put) {_THING}through|signed|let {_THING}(?:pass|by)"
    r"|(?:given|gave|got|giving) (?:it |them )?(?:the |a |an |our |my |its |their )?"
    r"(?:ok|yes|nod|go ahead|green light|thumbs up|blessing|approval|all clear)|passed"
    r"|cleared for|rubber ?stamped|rubber-stamped|confirmed|granted|endorsed|ratified|blessed"
    r"|been (?:approving|signing(?: off)?|okaying)|went ahead with|gone ahead with|consented to"
    r"|validated)"
)
REJECTED = (
    r"(?:rejected|turned(?: it| them| this)? down|declined|refused|said no(?: to| on)?"
    r"|knocked (?:it |them )?back|denied|binned|vetoed|thrown out|threw (?:it |them )?out"
    r"|dismissed|shot (?:it |them )?down|sent (?:it |them )?back|turned away|killed|rejects"
    r"|rejections|nixed|scrapped|disapproved|disallowed|canned|axed|struck down|bounced"
    r"|chucked out|kicked back|(?:given|gave|got) (?:it |them )?(?:(?:a |the )(?:no|thumbs down"
    r"|boot)"
    r"|no(?= (?:from|by|in|on|last|this|yesterday|today|\{)|$)|thumbs down)"
    r"|been (?:rejecting|turning down|declining|refusing)|voted down|overruled|refusals|denials"
    r"|knock backs|knockbacks|blew off|passed up)"
)
DECIDED = (
    r"(?:decided(?: on| about)?|ruled on|answered|acted on|settled|dealt with|handled|judged"
    r"|voted(?: on)?|made (?:a |the |our |their )?(?:call|decision|decisions)(?: on| about)?"
    r"|took (?:a |the )?decisions?(?: on| about)?|taken (?:a |the )?decisions?(?: on| about)?"
    r"|decisions (?:made|taken)|reviewed)"
)
_EXPIRED = r"(?:expired|timed out|lapsed|ran out(?: of time)?)"
APPROVE = (
    r"(?:approve|approving|sign(?: it| them)? off(?: on)?|sign|say (?:yes|ok)(?: to)?|agree to"
    rf"|accept|authori[sz]e|ok|green ?light|green-light|(?:wave|nod|let|pass) {_THING}through"
    rf"|let {_THING}(?:pass|by)"
    r"|give (?:the |a )?(?:ok|nod|yes|go ahead|green light)(?: to)?|confirm|pass|endorse|grant)"
)
REJECT = (
    r"(?:reject|rejecting|turn (?:it |them )?down|decline|refuse|say no(?: to)?|deny|veto|bin"
    r"|knock (?:it |them )?back|kill|dismiss|shoot (?:it |them )?down|throw (?:it |them )?out"
    r"|send (?:it |them )?back|nix|scrap|disapprove|disallow|axe|bounce)"
)
DECIDE = (
    r"(?:decide(?: on| about)?|deciding(?: on)?|act on|answer|rule on|settle|vote(?: on)?"
    r"|make (?:a |the )?(?:call|decision)(?: on)?|take (?:a |the )?decisions?(?: on)?|review)"
)
OTHER = r"(?:edited|changed|handed (?:over|on|off)|passed on|taken back|took back|undid|undone)"
EDITED = (
    r"(?:edited|changed|adjusted|amended|modified|tweaked|altered|corrected|revised|reworked"
    r"|overridden|overrode|with (?:an? )?(?:edits?|changes?|amendments?|tweaks?)|rewritten)"
)
_EDIT = r"(?:edit|change|adjust|amend|modify|tweak|alter|correct|revise|rework|override|rewrite)"
_DID = r"(?:did|do|have|has|had)"
_ENDED = (
    r"(?:closed(?: out| off| down)?|ended|finished(?: with)?|completed|solved|fixed|sorted(?: out)?"
    r"|wrapped up|concluded|settled|(?:is |are |all )over(?= (?:and|now|already|with|yet|or"
    r"|\{period\})|$)|done(?: and dusted| with)?|dealt with"
    r"|taken care of|put to bed|cleared up|finali[sz]ed|shut|archived|brought to an end"
    r"|no longer open|not open any ?more|off the (?:list|board|books)|out of the way|closures)"
)
_CLOSE = (
    r"(?:close|close out|finish|complete|solve|fix|sort out|wrap up|get through|clear|shut"
    r"|deal with|handle|get done|put to bed|finali[sz]e|conclude|tick off)"
)
_PROOF = (
    r"(?:pics?|pictures?|photos?|photographs?|proofs?|evidence|images?|readings?|attachments?"
    r"|snaps?|snapshots?)"
)
_LOOKED = (
    r"(?:looking|look|noticing|deciding|answering|seeing|reading|touching|caring|bothering|on"
    r"|reacting|responding)"
)
_RAN = (
    r"(?:executed|ran|run|done|carried out|went (?:through|ahead|out)|gone (?:through|ahead|out)"
    r"|happened|paid|sent|ordered|booked|did|completed|resolved|closed|go through|went|processed"
    r"|decided|actioned|performed|handled|taken)"
)
_POLICY = r"(?:policy|policies|(?:the |your |our )?rules?|(?:the )?(?:bot|system|machine|software))"

#: Guests and drivers decide too, but no cases.
DECIDED_BY_OTHERS = phrase(
    r"(?:refused|rejected|turned (?:down|away)|declined|accepted|signed(?: for)?|confirmed"
    r"|changed|edited|adjusted|cancelled|approved|agreed|denied|sent back|answered|handled)"
    r" by (?:the |a |an |our |their |its |one )?(?:guests?|customers?|clients?|suppliers?"
    r"|drivers?|couriers?|carriers?|venues?|buyers?|banks?|warehouse|kitchen|recipients?"
    r"|receivers?|shops?|vendors?|hosts?|neighbours?|police|landlord)",
    r"(?:refused|rejected|turned away|declined|accepted|signed(?: for)?|sent back)"
    r" (?:at|on|upon) (?:the )?(?:door|delivery|arrival|gate|counter|dock|receipt|site)",
)
_UNKNOWN = (
    r"(?:the|a|an|our|my|their) (?P<actor>(?!managers?|owners?|boss|team|bot|system|machine|policy"
    r"|rules?|people|others?|staff|colleagues?)[a-z]+)"
)
#: Whoever these are, they decide no cases: "that the wizard signed".
BY_UNKNOWN = (
    phrase(
        rf"(?:that|which|what|ones) {_UNKNOWN} (?:has |had |have |just |already )*"
        rf"(?:{APPROVED}|{REJECTED}|{DECIDED}|recommended|suggested|advised)"
    ),
    phrase(
        rf"(?:did|has|had) {_UNKNOWN}"
        rf" (?:{APPROVE}|{REJECT}|{APPROVED}|{REJECTED}|recommend(?:ed)?|suggest(?:ed)?)"
    ),
)
#: Words that say in which state or how decided cases are; the earlier take their words first.
FLAGS: tuple[tuple[re.Pattern[str], Fields], ...] = (
    (DECIDED_BY_OTHERS, {}),
    (
        # What a task says of itself is no state of its case.
        phrase(
            r"signed (?:off )?(?:as )?(?:being )?(?:done|completed?|finished|closed|resolved|ok)",
            r"(?:marked|ticked|checked|reported|flagged|declared|set|crossed|put down)"
            r" (?:off )?(?:as )?(?:being )?(?:done|completed?|finished|closed|resolved|ok|off)",
            r"(?:late|delayed|lost|missing) (?:parcels?|packages?|consignments?|goods)",
            r"(?:arriv(?:ed|ing)|came|come|turn(?:ed|ing)? up|deliver(?:ed|ing)|show(?:ed|ing)? up)"
            r" (?:too |very |so )?(?:late|delayed)",
            # What goes on by itself is a contract here.
            r"(?:renew(?:s|ed|ing)?|extend(?:s|ed|ing)?|roll(?:s|ed|ing)?|prolong(?:s|ed|ing)?"
            r"|continu(?:e|es|ed|ing)|(?:keep|keeps|keeping|carry|carrying|carries|go|goes) on"
            r"|restart(?:s|ed|ing)?"
            r"|re-?new(?:s|ed|ing)?|repeat(?:s|ed|ing)?)(?: over| on| going)?"
            r" (?:[^ ]+ ){0,2}?(?:by (?:itself|themselves)|on (?:its|their) own"
            r"|(?:auto(?:matically)?|alone|silently|unattended|without (?:asking|us|anyone)))",
            r"(?:get|got|put|clear|knock|have|getting) (?:[^ ]+ ){0,3}out of the way"
            r"|(?:nearly|almost|soon|practically|not quite|close to being|about to be)"
            r" (?:all )?(?:gone|finished|done|over|out|empty|sold out|closed|drunk|used up)"
            r"|stopp(?:ed|ing) [a-z]+in[g']?"
            r"|(?:keep|keeps|kept) getting|let (?:[^ ]+ )?slip",
            # A letter left unanswered tells of its kind.
            r"(?:left|lying|gone|sitting) (?:unanswered|unattended|un-answered)"
            r"|(?:not|never|un) ?(?:been )?(?:replied|responded|written back) to",
            # "Failed the audit" tells of something else than a plan.
            r"fail(?:ed|s)? (?:the|a|an|at|its|their|his|her|my|our|in|on|by)"
            r"|fail(?:ed|s)? to(?! (?:run|execute|go through|work|complete|finish|be done|be run))",
            r"(?:is|are|was|were) (?:currently |now )?running (?:with|for|at|out|low|late|short"
            r"|between|against|up|by|a|the)",
            # "Closed, but the proof is absent" tells of a task.
            r"(?:closed|done|finished|completed?|ticked(?: off)?|signed off|over)"
            rf"(?= (?:[^ ]+ ){{0,4}}{_PROOF}(?: (?:[^ ]+ ){{0,2}}(?:absent|missing|lacking|gone"
            r"|nowhere|empty|not (?:there|attached)|there (?:is |was )?(?:not|none)|is none)))",
            rf"(?:{_NOBODY}|never) (?:has |have |had )?ever",
            r"signed off(?= (?:without|with no|but (?:no|not|without)) )",
            r"signed off(?= (?:[^ ]+ ){0,5}(?:no|without(?: an?| any)?|minus|missing)"
            rf" (?:[^ ]+ )?{_PROOF})",
            r"(?:got |was |were |been |is |are )*(?:signed(?: off)?|ticked(?: off)?|closed|done"
            r"|completed?|finished|marked|checked(?: off)?|passed|submitted|handed in)"
            r"(?= (?:but |and |yet |though )?(?:with |there is |there was )?nothing (?:[^ ]+ ){0,2}"
            r"(?:attached|uploaded|added|enclosed|to show|to prove|in it|behind it|there|sent"
            r"|filed|as proof|with it|on it)"
            r"| without (?:showing|sending|attaching|adding|proving|uploading)(?![^ ]))",
            r"(?<!cases )(?<!ones )(?<!anything )(?<!cases are )(?<!ones are )(?:is |are )?"
            r"(?:finishing(?! (?:off|up|it|them|by|\{period\})(?![^ ]))|coming to an end"
            r"|drying up|running dry|nearing the end)",
            r"(?:done|finished|completed?|closed|over|ticked|wrapped|crossed|shut)(?: (?:off|out"
            r"|up|down))?"
            r"(?= (?:but |and |yet )?(?:without"
            r"|with no|no|lacks?|lacking|missing|minus|not) (?:a |an |any )?(?:[^ ]+ )?"
            rf"{_PROOF})",
        ),
        {},
    ),
    (
        phrase(
            r"(?:open|live|active) (?:and|or|n|as well as|&|plus) (?:closed|ended"
            r"|done|finished)(?: both| ones| cases)?",
            r"(?:closed|ended|done|finished) (?:and|or|as well as|&|plus) (?:open"
            r"|live|active)(?: both| ones| cases)?",
            r"(?:also|even|plus|and also|including|incl"
            r"|with) (?:the )?(?:closed|ended|finished|old|past) ?(?:ones"
            r"|cases)?",
            r"(?:the )?(?:closed|ended|finished|old|past)(?: ones| cases)? (?:too|as well|also)",
            r"(?:both )?(?:open or not|whatever the state|whatever state|in any state|of any state"
            r"|old and new|past and present|no matter (?:the|what|which) state)",
            r"(?:we |you |they |i )?(?:have |has )?ever(?: had| saw| seen| got)?|all time|to date"
            r"|since (?:the )?(?:beginning|start|day one|we started)|from day one",
        ),
        {"is_any": True},
    ),
    (
        phrase(
            r"(?:fail(?:ed|s|ing)? to|(?:are|were|was|is) (?:you )?(?:not able|unable) to"
            r"|struggl(?:e|ed) to)"
            r" (?:recogni[sz]e|identify|understand|classify|categori[sz]e|pigeonhole"
            r"|make (?:any )?sense of|figure out)",
            r"(?:could|can|did|do) not (?:you )?(?:make (?:any |head or tail |much )?(?:sense )?of"
            r"|recogni[sz]e|identify|understand|place|classify|sort|categori[sz]e|pigeonhole"
            r"|figure out|work out|know what to do with)",
            r"(?:could|can|did|do) you not (?:make (?:any )?sense of|recogni[sz]e|identify"
            r"|understand|place|classify|sort|categori[sz]e)",
            r"unrecogni[sz]ed|unknown (?:kinds?|types?|ones?)|not (?:been )?recogni[sz]ed"
            r"|unclassified|unidentified|uncategori[sz]ed|unmatched kinds?|without a category",
            r"(?:fits?|fitted|match(?:es)?|belongs? to) (?:no|none of the) (?:playbooks?|kinds?"
            r"|known kinds?|categor(?:y|ies)|types?|box(?:es)?)",
            r"(?:fits?|fitted|belongs?) (?:in |into )?(?:nowhere|no ?where|nothing)",
            r"(?:do|does|did) not (?:(?:fit|match|belong)(?: in| into| to)? (?:any|a|your)"
            r" (?:playbooks?|kinds?|categor(?:y|ies)|types?|box(?:es)?)"
            r"|(?:fit|belong)(?: in| into| to)? (?:anything|anywhere))",
            r"(?:no|without a|without) (?:playbook|known kind)"
            r"|(?:did|do) not know what (?:it|they|to make of them?) ?(?:was|were|is|are)?",
            rf"{_NOBODY} (?:has |have |had |could |can |ever )*(?:recogni[sz]ed?|understands?"
            r"|understood|place|placed|identify|identified|classify|classified)",
            r"(?:puzzled|baffled|confused|stumped) (?:by|you)|(?:puzzled|baffled|confused|stumped)"
            r"|(?:odd|weird|strange) ones(?: out)?|oddballs|head ?scratchers|mystery (?:ones"
            r"|cases)",
        ),
        {"is_unrecognised": True, "is_open": True},
    ),
    (
        phrase(
            r"(?:sorted|fixed|cleared|solved|resolved|healed|settled|closed|righted|righting"
            r"|corrected) (?:itself|themselves)(?: out| up)?",
            r"(?:sort|fix|clear|solve|resolve|heal|settle|close|right)s? (?:itself|themselves)"
            r"(?: out| up)?",
            r"(?:went|gone|go|goes) away(?: by (?:itself|themselves)| on (?:its|their) own"
            r"| without (?:us|any ?one)(?: doing anything)?)?",
            r"(?:cleared|disappeared|vanished|resolved|solved|evaporated|stopped|recovered)"
            r"(?: up)? (?:by (?:itself|themselves)|on (?:its|their) own|without (?:us|any ?one))",
            r"(?:cleared|self cleared|self-cleared|self-resolved|self resolved|disappeared|vanished"
            r"|evaporated|blew over|blown over|false alarms?)(?: up)?",
        ),
        {"states": (State.CLEARED,)},
    ),
    (
        phrase(
            r"(?:by|for|all by) (?:yourself|itself|themselves)|(?:on|off) (?:your"
            r"|its|their|ur) own(?: initiative| accord| back| steam)?"
            r"|of (?:your|its|their) own accord"
            r"|(?<!renew )(?<!renews )(?<!over )(?<!renewing )automatically(?! (?:renew|roll"
            r"|extend))"
            r"|automatic(?! (?:renew|roll))|automated|auto(?! (?:renew|roll"
            r"|extend))(?:-?(?:approved?|run|resolved|handled|executed"
            r"|done|decided|processed|actioned|paid|ran))?|autonomous(?:ly)?|auto-pilot|autopilot"
            r"|unattended|unprompted|off (?:your|its) own bat|alone|single-?handed(?:ly)?"
            r"|solo|hands? ?-?free|self-approved|straight through",
            r"you (?:[^ ]+ ){0,3}yourself",
            r"(?:went|gone|ran|slipped|sailed|got|passed) (?:straight |clean )?(?:through |ahead )?"
            r"(?:unchecked|unseen|unreviewed|unsupervised)",
            r"without (?:asking(?: (?:us|me|anyone|anybody|first|people))?"
            r"|(?:a|any) (?:human|person|soul|yes|click|say so|signature)"
            rf"|any ?(?:one|body)(?: asking| approving| signing| saying yes| pressing| clicking)?"
            rf"(?! {_LOOKED})|us|me"
            r"|human(?: hands| touch| help| eyes| intervention| input)?|people|anyone's (?:ok|yes"
            r"|approval)|approval|(?:a |any )?(?:manager|sign off|signature|ok)"
            r"|bothering (?:us|me|anyone))",
            r"no (?:human|person)(?: was| being)? (?:involved|needed|asked|touched|in the loop)"
            r"|under policy|by policy|policy alone|thanks to (?:the )?policy",
            rf"{_POLICY} (?:alone |itself |just )?(?:approved|ran|did|handled|decided|executed"
            r"|signed(?: off)?|passed|cleared|allowed|(?:waved|nodded|let|put) (?:[^ ]+ )?through"
            r"|said yes to|took care of|ok|let (?:run|go|pass))",
            rf"(?:did|has|does|have) {_POLICY} (?:alone |itself |just )?(?:approve|run|do|handle"
            r"|decide|execute|sign(?: off)?|pass|clear|allow|(?:wave|nod|let"
            r"|put) (?:[^ ]+ )?through"
            r"|say yes to|let (?:run|go|pass))d?",
            rf"(?:approved|decided|done|handled|executed|run|signed off|cleared|passed"
            rf"|(?:waved|nodded|let) through) (?:only |purely |just )?by {_POLICY}",
            rf"{_RAN} (?:[^ ]+ ){{0,3}}(?:that |which |and |but |where |with |though )?{_NOBODY}"
            r" (?:has |have |had |else |ever |actually |really )*(?:signed|approved|ok|said yes"
            r"|pressed"
            r"|agreed|clicked|authori[sz]ed|confirmed|asked|had to|gave|waved|decided)"
            r"(?: (?:off|to|on|for|it|them))*",
            r"(?:executed|ran|run|carried out|(?:went|gone) (?:through|ahead|out)|happened"
            r"|processed"
            r"|actioned|performed) (?:[^ ]+ ){0,3}(?:that |which |and |but |where |with |though )?"
            rf"{_NOBODY} (?:has |have |had |else |ever |actually |really )*(?:checked|reviewed"
            r"|looked|vetted|inspected|glanced|saw|seen)(?: (?:at|over|on|it|them))*",
            rf"(?:with|and|but) {_NOBODY} (?:signing|approving|agreeing|saying yes|pressing"
            rf"|clicking"
            r"|deciding|asked|involved|in the loop)(?: off)?",
            r"not asking (?:us|me|anyone|anybody)|nobody (?:had to|was asked|approved)",
        ),
        {"is_automatic": True},
    ),
    (
        phrase(
            rf"(?:one|1|first|1st|a single|only one|just one|half) {_VOTE}(?: already)?"
            r"(?: (?:in|so far|given|down|done|there|has|have|is|was))*"
            r"(?:,? (?:and|but|waits?|waiting|needs?"
            r"|missing|second|another|still).{0,30}(?:second|another|other|more|one|missing"
            r"|to go|needed|outstanding|pending))?",
            r"(?:half|part|partly|partially|half way|halfway|half-|part-)-? ?"
            r"(?:approved|signed|signed off|done|way (?:there|through|approved))",
            r"(?:needs?|needing|missing|waits? (?:for|on)|waiting (?:for|on)|wants?|lacks?|lacking"
            r"|awaiting|short of) "
            r"(?:a |the |one |its |their |just )*(?:second|another|other|more|last|2nd|further"
            rf"|final|remaining|one more) (?:{_VOTE}|person|manager)",
            rf"(?:second|2nd|other|last) (?:{_VOTE}|one|person) (?:is |still )*"
            r"(?:missing|outstanding|pending"
            r"|needed|to come)",
            r"(?:one|1) (?:of|out of) (?:two|2)(?: (?:approvals?|yes(?:es)?|signatures?))?"
            rf"|halfway there|half way there|(?:a|one|1) (?:{_VOTE}) short"
            rf"|short (?:of )?(?:a|one|1) (?:{_VOTE})",
        ),
        {"is_part_approved": True, "is_open": True},
    ),
    (
        phrase(
            r"(?:needs?|needing|wants?|requires?|requiring|takes?|must have|asks? for"
            r"|calls? for|have to have|has to have|be signed by|signed by|approved by) "
            rf"(?:at least )?(?:two|2|both|double|dual|a couple of|a pair of|more than one|several)"
            rf"(?: different| separate)? {_APPROVAL}",
            rf"(?:two|2|dual|double)(?: |-)?(?:person|people|man)?(?: |-)?{_VOTE}"
            r"|four(?: |-)eyes?(?: principle)?|4(?: |-)eyes|dual control"
            r"|(?:two|2)(?: |-)(?:person|man|people)(?: limit| rule| approval)?"
            r"|(?:two|2) (?:of us|of you|managers|people) (?:must|have to|need to|should|to)"
            r"(?: sign(?: off)?| approve| say yes| agree)?",
        ),
        {"min_approvals": 2, "is_open": True},
    ),
    (
        phrase(
            rf"{REJECTED} (?:or|and|&|as well as|plus) (?:which |that |have |has |had |just )*"
            rf"{_EXPIRED}",
            rf"{_EXPIRED} (?:or|and|&|as well as|plus) (?:were |was |got |been )*{REJECTED}",
        ),
        {"states": (State.REJECTED, State.EXPIRED)},
    ),
    (
        phrase(
            r"(?:has |have |had |got |been |just |we |let |allowed to )*(?:expired|timed out"
            r"|lapsed|ran out(?: of time)?|(?<=has )run out(?: of time)?"
            r"|(?<=have )run out(?: of time)?|passed their expiry)",
            r"(?:let|allowed) (?:[^ ]+ )?(?:to )?(?:expire|lapse|time out|run out)"
            r"|(?:did|do) (?:[^ ]+ )?(?:expire|lapse|time out|run out)"
            r"|(?:went|gone|ended) (?:unanswered|undecided|unnoticed)|expirations"
            r"|lapses(?= \{period\})|time outs|timeouts",
        ),
        {"states": (State.EXPIRED,)},
    ),
    (
        # It ran out because nobody did; this says nothing else of the case.
        phrase(
            rf"(?:because|since|as|when|while|and|but) {_NOBODY} (?:has |have |had |ever |had "
            r"|even |bothered to )*(?:answered|looked(?: at)?|decided|reacted|responded|replied"
            r"|touched|acted|bothered|did anything|said anything|picked|answer|look|decide|react"
            r"|respond|reply|act)(?: (?:it|them|up|on|at|in time))*",
            rf"without (?:a |any )?(?:any ?one|any ?body|decision|answer|people|person|reaction"
            rf"|response|reply|us)(?: {_LOOKED}(?: at (?:it|them))?| being made)?",
            r"unnoticed|(?:before|without) we (?:could|looked|managed)",
        ),
        {"is_open": True},
    ),
    (
        phrase(
            rf"{_NOT} (?:been )?(?:yet )?(?:closed|ended|finished|completed"
            rf"|resolved|solved|fixed|done"
            r"|sorted|dealt with|handled|settled|over|finali[sz]ed|put to bed|wrapped up|concluded"
            r"|cleared up|ticked off|shut|put to rest|brought to an end|out of the way|closed out"
            r"|closed off)(?: yet| with| off)?",
            rf"(?:{_NOBODY}|not|never) (?:has |have |been |ever |yet |really "
            r"|had ){0,2}(?:closed|finished|sorted|fixed|resolved|dealt with|handled"
            r"|looked after|replied to|answered|took|taken|taken care of|picked up|tackled|done"
            r"|looked into)",
            r"(?:not|never|nothing)(?: yet| been| actually| really)* (?:carried out|executed|run"
            r"|gone through|implemented|actioned|happened|took effect|moving|moved)(?: yet)?",
        ),
        {"is_open": True},
    ),
    (
        phrase(
            rf"{_NOT} (?:one |body )?(?:yet |has |have |been |is |are |even "
            rf"|ever ){{0,3}}(?:decided|approved|signed"
            r"|touched|looked at|ruled on|answered)(?: on| off)?(?: it| them| yet)?",
            r"undecided|unapproved|unsigned",
            r"nobody decided(?: it| them)?",
        ),
        {"states": (State.PROPOSED, State.REFERRED)},
    ),
    (
        phrase(
            r"(?:awaiting|awaits?|pending) (?:a |the |any |its |their |some )?(?:final )?"
            r"(?:decision|approval|sign off|yes|yes or no|green light|go ahead|verdict)s?",
            r"(?:wait(?:s|ing)?|pending|stuck|hanging|held up) (?:on|for) (?:a |the |any |some )?"
            r"(?:decision|approval|sign off|yes|yes or no|green light|go ahead|answer)s?",
            r"(?:in need of|needs?|needing|to be|requires?|requiring|wants?) (?:a |an )?(?:decision"
            r"|approval|approving|approved|decided|sign off|signed off|yes or no|deciding(?! by)"
            r"|answering|answer)",
            r"(?:still |yet )?(?:to be decided|up for (?:a )?decision|on the table"
            r"|ready for (?:a )?(?:decision|approval))",
        ),
        {"states": (State.PROPOSED,)},
    ),
    (
        phrase(
            r"snoozed|snoozing|snoozes|asleep|sleeping|put off|postponed|on snooze|dozing"
            r"|put to sleep|napping|deferred|put on ice|on ice|shelved|kicked down the road"
        ),
        {"is_snoozed": True},
    ),
    (
        phrase(
            r"paused|on hold|halted|suspended|on pause|frozen|put on hold|(?:switched|turned) off"
        ),
        {"is_paused": True},
    ),
    (
        phrase(
            r"(?:over ?due|over-due|late(?! (?:last|yesterday|on|in|at|night)(?![^ ]))"
            r"|past (?:its|their"
            r"|the|our) (?:deadline|time|due date|due|date)"
            r"|past due|past deadline|behind(?! (?:the|this|it|that|\{case\}))"
            r"|too (?:long|late)|(?<!run )(?<!runs )(?<!running )(?<!ran )out of time"
            r"|(?:missed|blown|broke|broken|breached"
            r"|breaching|blew|over|beyond|busted|gone over|gone past|went past|slipped past)"
            r" (?:its|their|there|thier|the|our|your|my|a)? ?(?:deadlines?|time(?: limit)?|sla"
            r"|due dates?)"
            r"|out of sla"
            r"|should (?:already )?have been (?:decided|answered|dealt with|done|approved)"
            r"(?: by now| already)?|(?:ought to have|should have) (?:been )?decided"
            r"|over-?running|overruns?|overran|running over|gone over|lagging"
            r"|behind schedule|delayed|tardy|lates|belated|in arrears|gone past due"
            r"|(?:deadline|time) (?:has |is |was |already )*(?:passed|gone|over|up|missed|blown)"
            r"|slipped(?! through)|slipping)(?: ones| cases)?",
        ),
        {"is_overdue": True, "is_open": True},
    ),
    (
        phrase(
            r"(?:done |fixed |handled |resolved |did |sorted |dealt with )?(?:it |them )?by hand"
            r"|manually|(?:handled|done|fixed|sorted|dealt with|taken care of) (?:outside(?: of "
            r"(?:you|the bot|here|slack))?|elsewhere|offline|ourselves|already)"
            r"|(?:did|done) (?:it |them )?ourselves|already (?:taken care of|dealt with"
            r"|handled|sorted)|(?:handled|dealt with) in person"
        ),
        {"decision": LastDecision.BY_HAND},
    ),
    (
        phrase(
            r"(?:handed|passed|given|hand|pass|moved|sent|shifted|switched|punted|kicked) "
            r"(?:it |them )?(?:over|on|off|along|to someone else|to somebody else|around"
            r"|to another (?:person|team|group))"
            r"|re-?assigned|transferred|delegated|changed hands|handovers?|hand overs?|re-?routed"
        ),
        {"decision": LastDecision.HANDED_OVER},
    ),
    (
        phrase(
            r"(?:taken|took|take|did (?:[^ ]+ )?take|pulled) (?:it |them |this )?back"
            r"|did (?:[^ ]+ )?(?:undo|reverse|revert|roll back)|undone|undid"
            r"|rolled back|reversed|reverted|unwound|undos|reversals"
            r"|withdrawn after|changed our minds? (?:on|about)|had second thoughts"
        ),
        {"decision": LastDecision.TAKEN_BACK},
    ),
    (
        phrase(r"withdrawn|called off|retracted|pulled by (?:whoever|the person)"),
        {"states": (State.WITHDRAWN,)},
    ),
    (
        phrase(
            r"failed|went wrong|gone wrong|go wrong|unknown outcome"
            r"|outcome (?:is )?(?:unknown|unclear)|unclear outcome|did not (?:work|go through)"
        ),
        {"states": (State.OUTCOME_UNKNOWN,)},
    ),
    (
        phrase(
            r"(?:being|getting|are|is) (?:carried out|executed|running|run|processed|done now)"
            r"|running(?: right)? now|in flight|in execution|executing|under way|underway"
        ),
        {"states": (State.RUNNING,)},
    ),
    (
        phrase(
            r"(?:high|highest|high-|big|biggest|serious|severe|top|great(?:est)?|major|huge|hi)"
            r"-?(?: |)(?:risks?|risk tier|stakes risk)|high-risk|risk(?: is| =| level| tier)? high"
            r"|risky|riskiest|most risky|dangerous|red risk|in the high tier"
        ),
        {"risk": RiskTier.HIGH, "is_open": True},
    ),
    (
        phrase(
            r"(?:medium|middle|moderate|mid|med|average|medium-|mid-)-?(?: |)(?:risks?|risk tier)"
            r"|medium-risk|mid-risk|risk(?: is| =| level| tier)? medium|amber"
        ),
        {"risk": RiskTier.MEDIUM, "is_open": True},
    ),
    (
        phrase(
            r"(?:low|lowest|little|small|no|minor|minimal|least|lo)-?(?: |)(?:risks?|risk tier)"
            r"|low-risk|risk(?: is| =| level| tier)? low|harmless|risk free|risk-free|safe ones"
            r"|least risky"
        ),
        {"risk": RiskTier.LOW, "is_open": True},
    ),
)
_NO_PROOF = (
    r" (?:without|with no|but no) (?:a |an |any )?(?:[^ ]+ )?(?:photos?|pictures?|pics?|proof"
    r"|images?"
    r"|evidence|readings?|attachments?|snaps?)"
)
#: How cases were decided, in the past.
DECISIONS: tuple[tuple[re.Pattern[str], LastDecision | None], ...] = (
    (phrase(REJECTED), LastDecision.REJECTED),
    (phrase(EDITED), LastDecision.EDITED),
    (phrase(rf"{APPROVED}(?!{_NO_PROOF})"), LastDecision.APPROVED),
    (phrase(DECIDED), None),
)
#: The same, in the words of "did we approve".
DECISION_VERBS: tuple[tuple[re.Pattern[str], LastDecision | None], ...] = (
    (phrase(rf"{_DID} {_FEW}{REJECT}"), LastDecision.REJECTED),
    (phrase(rf"{_DID} {_FEW}{_EDIT}"), LastDecision.EDITED),
    (phrase(rf"{_DID} {_FEW}(?:bother )?{APPROVE}"), LastDecision.APPROVED),
    (phrase(r"bother(?:ed)? approving"), LastDecision.APPROVED),
    (phrase(rf"{_DID} {_FEW}{DECIDE}"), None),
)
GIVE = (
    r"(?:give|gives|given|giving|gave|hand|hands|handed|handing|dish|dished|dishing|dole|doled"
    r"|doling|issue|issued|issuing|deal|deals|dealt|dealing"
    r"|grant(?:ed|ing)?|said|say|saying|cast|pass(?:ed|ing)?|made|make|making)(?: out)?"
)
_GAVE = (
    r"(?:gave|given|giving|handed|handing|dished|dishing|doled|doling|issued|issuing|dealt|dealing"
    r"|granted|granting)(?: out)?"
)
REFUSALS = r"(?:no|nos|noes|refusals?|rejections?|denials?|knock[ -]?backs?|vetoe?s?|thumbs down)"
CONSENTS = (
    r"(?:yes|yeses|yesses|approvals?|oks?|okays?|sign offs?|consents?|go aheads?|green lights?"
    r"|nods?|thumbs up|signatures?)"
)


def _votes_given(votes: str) -> re.Pattern[str]:
    """Match votes that somebody gave: "how many yeses did we hand out"."""
    return phrase(
        rf"{votes} (?:(?:did|do|have|has|had|that|were|was|i|we|you|they|us|it|all|so far|already"
        rf"|\{{person\}}) )+{GIVE}",
        rf"{_GAVE} (?:us |them |me |any |some |many |our |the |a |an |all )*{votes}"
        r"(?= (?:in|from|of|on|during|over|since|for|lately|\{)|$)",
    )


VOTES = (
    (_votes_given(REFUSALS), LastDecision.REJECTED),
    (_votes_given(CONSENTS), LastDecision.APPROVED),
)
#: "Approvals in May", but not "approvals outstanding".
DECISION_NOUNS: tuple[tuple[re.Pattern[str], LastDecision | None], ...] = (
    *VOTES,
    (
        phrase(
            r"approvals(?= (?:(?:in |from |of |on |during |over |since |made )*\{period\}"
            r"|(?:given |made )?by (?:me|myself|\{person\})))"
        ),
        LastDecision.APPROVED,
    ),
    (
        phrase(
            r"decisions(?= (?:in |from |of |on |during |over |since |made |per |by )*"
            r"(?:\{period\}|person|head))"
        ),
        None,
    ),
)
RESOLVED = phrase(
    r"(?:got |been |was |were |are |is |fully )*resolved",
    rf"(?:did|have|has) {_FEW}resolve",
)
ENDED = phrase(
    _ENDED,
    rf"(?:did|have|has) (?!(?:[^ ]+ )?to ){_FEW}{_CLOSE}",
    r"got (?:closed|done|finished|sorted|fixed)",
)
OPEN = phrase(
    r"(?:still )?(?:open(?! (?:it|a|an|up|the)(?![^ ]))|live|active"
    r"|alive|unresolved|unfinished|unsolved|unsettled|unpaid|unanswered|ongoing|on-going"
    r"|in progress|outstanding|pending|waiting|stuck|hanging|current|around|unclosed"
    r"|incomplete|in limbo|up in the air|in dispute|dangling|undealt|on the books)",
    r"(?:waits?|sits?|wait|sit|sitting|waiting) (?:for|on) (?:somebody"
    r"|someone|anyone|anybody|people|a person|us|whoever)",
    r"right now|at the moment|at the mo|currently|presently|so far open|as of now|as we speak"
    r"|to (?:do|deal with|decide)|(?<!i )(?<!we )(?<!he )(?<!she )(?<!they )left(?: to do)?"
    r"|still (?:there|deciding|here|going)|(?:deciding|undecided)(?: on)?"
    r"|at stake|risking|at risk|exposed|dead in the water"
    r"|exposure|on the go|running about|going on|about to|getting|needs? (?:doing|attention|work)"
    r"|loose ends|on the line|not (?:closed|done|finished)",
)
DUE = phrase(
    r"(?:is |are |be |become |becomes |falls? |fall |come |comes "
    r"|coming |will be |will become |have to be decided |to be decided )*"
    r"(?:due|deadlines?|time limits?|cut ?-?offs?|(?:must|have to|has to|need to|needs to|should"
    r"|to) be "
    r"(?:decided|answered|approved|dealt with|signed(?: off)?|done)(?: on)?"
    r"|needs? (?:deciding|answering|approving|signing|an answer|a decision|a yes or no)"
    r"|up for decision|decide by|time is up|decision time"
    r"|(?:run|runs|running) out of time(?= (?:[^ ]+ )?\{period\}))"
)
#: These name a time to decide only where nobody is said to have to.
MUST_DECIDE = phrase(
    r"(?:must|have to|has to|need to|should) (?:we |i )?(?:decide|answer|act on)"
    r"|(?:do|must|should) (?:i|we) (?:have to |need to )?(?:decide|answer)(?: on)?"
)
EXPIRES = phrase(
    r"(?:the |its |their )?(?:approvals? )?(?:will |is |are "
    r"|about to |going to |gonna |might |could |would )*(?:runs? out(?! of time)|running out"
    r"(?! of time)|expires?|expiring|expiry|expiries|lapses?|lapsing|times? out|timing out"
    r"|ends? unapproved|expirations?|expiration)(?! of)",
    r"(?:the |its |their )?approvals? (?:will )?(?:ends?|ending|stops?|validity)",
)
#: A time with nothing but these says only when.
BARE_WORDS = word_set(
    "{period} in on over within since from during for at by until before after between and to"
    " the of only just earlier up now please around"
)
#: Goods do so too.
RUNS_OUT = phrase(r"(?:is|are|that|which|about to|going to|will|we|almost) (?:run|running) out")
#: The day that goes without saying.
DAYS_OF_WORK = frozenset({"this_week", "today", "this_morning", "tonight", "tomorrow", "now"})
#: Nothing has come in these yet.
FUTURE = frozenset({"tomorrow", "next_week", "now"})
#: "Same again for tonight" names another time.
AGAIN_FOR = phrase(
    r"(?:and |but |ok |now |so |what about |how about |the |same |again |once |more |please )*"
    r"for (?:the )?\{period\}"
)
#: After "for" they are what somebody prepares for.
OCCASIONS = frozenset({*WEEKDAYS, "weekend", "tonight", "this_week"})
ARRIVED = phrase(
    r"since|new|came|come|comes|coming|arrived|opened|raised"
    r"|from (?:the )?\{period\}|appeared|landed|reported|turn(?:ed)? up|pop(?:ped)? up|showed up"
    r"|flagged|logged|arrivals?|surfaced|cropped up|cropping up|started|fresh"
)
FIRST = phrase(
    r"(?:next|first|soonest)(?: (?:one|case|to))*",
    r"(?:expires?|runs? out|lapses?) (?:next|first|soonest)",
)
_END_OF = r"(?:the )?(?:very )?(?:(?:end|close|latest) (?:of )?(?:the |play |business )?(?:on )?)?"
WITHIN = phrase(
    r"(?:run|runs|running) out of time (?:[^ ]+ )?\{period\}",
    r"(?:within|in|in under|inside|not later than|by|before|until|up to|up until|latest"
    rf"|no later than|at the latest by|on or before|between now and) {_END_OF}\{{period\}}",
    r"\{period\} (?:at the (?:very )?latest|latest|or (?:before|earlier|sooner)|at most)",
    r"end of (?:the )?\{period\}",
)
#: A deadline in it may be at its end, or at its beginning.
IN_PERIOD = re.compile(r"in \{period\}$")
IN_SPAN = phrase(
    r"(?:within|in|in under|inside|in less than|less than|under)(?: the next| about)?"
    r" (?P<time>\{period\})"
)
SINCE = phrase(
    r"(?:since|after|starting|beginning|as of|back to|going back to|from) (?:the )?"
    r"(?:start of |beginning of )?(?P<time>\{period\})(?: on| onwards?| until now| to now"
    r"| up to now| till now| to date)",
    r"(?:since|after|starting|beginning|as of|back to|going back to|ever since) (?:the )?"
    r"(?:start of |beginning of )?(?:(?:i|we|you|they|he|she) [^ ]+ (?:[^ ]+ )?(?:on |at |in )?)?"
    r"(?P<time_on>\{period\})",
)
BEFORE = phrase(
    r"(?:before|prior to|earlier than|older than|up to|until|preceding|pre) (?P<time>\{period\})"
)
BETWEEN = phrase(
    r"(?:between|from) (?P<begin>\{period\}) (?:and|to|until|till|through|thru|-)"
    r" (?P<end>\{period\})",
    r"(?P<begin_bare>\{period\}) (?:to|until|till|through|thru) (?P<end_bare>\{period\})",
)
ANY_PERIOD = phrase(r"(?P<time>\{period\})")
