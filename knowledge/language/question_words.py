"""Words of questions: abbreviations, words without a meaning of their own, keywords."""

_WRITTEN_OUT = """
u you · ya you · ur your · r are · pls please · plz please · n and · yday yesterday · ystd yesterday
yest yesterday · tmrw tomorrow · tmr tomorrow · tmrrw tomorrow · tomoz tomorrow · 2moro tomorrow
tdy today · 2day today · 2nite tonight · tonite tonight · wk week · wks weeks · wkend weekend
w/e weekend · mth month · mths months · yr year · yrs years · qtr quarter · hw how
hr hour · hrs hours · mins minutes · w with · w/o without · wo without
wots what is · wot what · wat what · whats what is · what's what is · what're what are · wheres where is
where's where is · whos who is · who's who is · whens when is · when's when is · whys why is
why's why is · hows how is · how's how is · thats that is · that's that is · theres there is
there's there is · heres here is · here's here is · it's it is · he's he is · she's she is
gonna going to · wanna want to · gotta have to · gimme give me · lemme let me · atm at the moment
rn right now · til until · till until · 'til until · thru through · nite night · thx thanks
ty thanks · cheers thanks · ta thanks · cos because · cuz because · coz because · bc because
b4 before · ppl people · sry sorry · dont do not · don't do not · didnt did not · didn't did not
doesnt does not · doesn't does not · cant can not · can't can not · cannot can not · isnt is not
isn't is not · arent are not · aren't are not · havent have not · haven't have not · hasnt has not
hasn't has not · couldnt could not · couldn't could not · wont will not · won't will not
wasnt was not · wasn't was not · werent were not · weren't were not · shouldnt should not
shouldn't should not · wouldnt would not · wouldn't would not · im i am · i'm i am · ive i have
i've i have · i'll i will · i'd i would · id i would · we're we are · we've we have · weve we have
we'll we will · they're they are · theyre they are · they've they have · you're you are
youre you are · youve you have · you've you have · you'll you will · y'all you · yall you
any1 anyone · some1 someone · every1 everyone · sth something · smth something · smt something
ok'd approved · okd approved · okayed approved · ok'ed approved · oked approved · okay ok · k ok
mon monday · tue tuesday · tues tuesday · thu thursday · thur thursday · thurs thursday · fri friday
jan january · feb february · apr april · jun june · jul july · aug august · sept september
sep september · oct october · nov november · dec december
amt amount · qty quantity · avg average · approx about · pcnt percent · pct percent · info information
y why · yep yes · yeah yes · nope no · dunno do not know · cd could · shd should · abt about · frm from
msg message · msgs messages · inv invoice · invs invoices · apprv approve · apprvd approved
em them · 'em them · lil little · ones ones · anythin anything · outta out of · kinda kind of
wld would · shld should · bday birthday · ops-lead ops-leads · eod end of today · signoff sign off
sign-off sign off · signed-off signed off · hand-over hand over · handover hand over · o'clock oclock
follow-up follow up · stand-in stand in · take-back take back
"""

FILLER_WORDS = """
a able about above actually after again ago all already also always am an and any anybody anyone
anything anywhere are as at away back basically be because been before being best bit both bother
bothered but by came can case cases come comes coming could count currently date day days did do
does doing done down each either else end entire ever every everybody everyone everything exact exactly
exception exceptions far few find first for from full further get gets getting give go goes going got
had has have having he her here hers hey hi him his how i if in inform information into is issue issues
it items item its just kind kinds know last lately left let like list listed little long look looking
lot lots made make many matter may maybe me mean mention might mine moment more most much must my name
need needed needs never new next no nobody none nor not nothing now number of off oh ok on once one
ones only onto or other others our ours out over own part people person per please plus possible
present problem problems put quick quickly quite real really recent recently regarding right rn said
same say see seem seems send she should show showing side since single so sofar some somebody someone
something somewhere soon sort sorts sth still stuff such sure system take takes taken taking tell than
thank thanks that the their theirs them then there these they thing things this those though thought
through time times to together too total touch tried try two type under until up upon us use used
using usual usually very via want wanted wants was way we well went were what whatever when whenever
where whether which while who whoever whom whose why will wish with within without worth would yes yet
you your yours yourself yourselves myself itself themselves ourselves
anyhow anyway amount average altogether around ask asked asking bot check dear desk detail details
display due during fancy filter fine forget forgotten found fresh gone good great group grouped happen
happened happening happens hear heard hello help hold holding idea important interested involved
keep kept kindly later lets live lol mate money morning afternoon evening near nice night
open opened order ordered overall overview pending perhaps piece pile plz point pound pounds queue quid
rather remain remaining report rest result results run running says sent simply
situation sitting somehow sorry split start started state status story summary sum talk
team teams term terms think today told tonight tomorrow top trouble turn understand update
value view wait waiting waits wanna week weekend weeks welcome wonder wondering word work working
works wrong yesterday year month months percent share rate often actual latest oldest newest biggest
largest smallest cheapest late overdue urgent soonest quarter hour hours minute minutes oclock
show shows showed pull bring fetch gather print load run hand handed brief quick pass catch
currency numbers figure figures column columns table record records ticket tickets entry entries
alive half dozen couple whole main key actual specific particular certain given based regard
concerning relation respect across between among beyond against per plain simple honest honestly
seriously literally please kindly fyi asap btw tbh imho yo dude guys folks lads team boss
hopefully possibly probably eventually finally meanwhile otherwise
does'nt goodness guess suppose reckon bet hope assume
need-to must-have meeting call calls minute card cards ping pings phone
lately nowadays moment yet
"""

#: Words that a slip of the keyboard is corrected to.
KEYWORD_WORDS = """
anything everything waiting overdue pending rejected approved approve rejecting expired expire expires
snoozed paused automatically automatic yourself yesterday tomorrow overnight weekend oldest newest
biggest largest smallest cheapest together invoice invoices decided decision decisions escalated
finished unresolved resolved unrecognised recognised handled handling working waiting outstanding
approval approvals approver received urgent deadline evidence history november december september
october february january wednesday thursday saturday tuesday monday friday sunday without finance
supplier customer booking bookings delivery deliveries contract contracts complaint complaints
"""


def _abbreviations() -> dict[str, tuple[str, ...]]:
    table = {}
    for line in _WRITTEN_OUT.splitlines():
        for entry in line.split("·"):
            words = entry.split()
            if words:
                table[words[0]] = tuple(words[1:])
    return table


ABBREVIATIONS = _abbreviations()
FILLERS = frozenset(FILLER_WORDS.split())
KEYWORDS = tuple(KEYWORD_WORDS.split())
