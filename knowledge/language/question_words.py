"""Words of questions: abbreviations, words without a meaning of their own, keywords."""

_WRITTEN_OUT = """
u you · ya you · ur your · r are · pls please · plz please · n and · hwo how · yday yesterday
ystd yesterday · yest yesterday · tmrw tomorrow · tmr tomorrow · tmrrw tomorrow · tomoz tomorrow
2moro tomorrow · tdy today · 2day today · 2nite tonight · tonite tonight · wk week · wks weeks
wkend weekend · w/e weekend · mth month · mths months · yr year · yrs years · qtr quarter · hw how
hr hour · hrs hours · mins minutes · w with · w/o without · wo without · wots what is · wot what
wat what · whats what is · what's what is · what're what are · wheres where is · where's where is
whos who is · who's who is · whens when is · when's when is · whys why is · why's why is
hows how is · how's how is · thats that is · that's that is · theres there is · there's there is
heres here is · here's here is · it's it is · he's he is · she's she is · gonna going to
wanna want to · gotta have to · gimme give me · lemme let me · atm at the moment · rn right now
til until · till until · 'til until · thru through · nite night · thx thanks · ty thanks
cheers thanks · ta thanks · cos because · cuz because · coz because · bc because · b4 before
ppl people · sry sorry · dont do not · don't do not · didnt did not · didn't did not
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
mon monday · tue tuesday · tues tuesday · thu thursday · thur thursday · thurs thursday
fri friday · jan january · feb february · apr april · jun june · jul july · aug august
sept september · sep september · oct october · nov november · dec december · amt amount
qty quantity shall headcount dosh cash dough backlog
cooking deputy covers · avg average · approx about · pcnt percent · pct percent
info information · y why
yep yes · yeah yes · nope no · dunno do not know · cd could · shd should · abt about · frm from
msg message · msgs messages · inv invoice · invs invoices · apprv approve · apprvd approved
em them · 'em them · lil little · ones ones · anythin anything · outta out of · kinda kind of
wld would · shld should · bday birthday · ops-lead ops-leads · eod end of today · signoff sign off
sign-off sign off · signed-off signed off · hand-over hand over · handover hand over
go-ahead go ahead
tenner 10 pounds · fiver 5 pounds · oclock o'clock · weds wednesday · wednes wednesday
what'd what did · whatd what did · who'd who did · how'd how did · where'd where did
why'd why did · when'd when did · we'd we would · you'd you would · they'd they would
he'd he would · she'd she would · it'd it would · that'd that would · there'd there would
what'll what will · who'll who will · it'll it will · they'll they will · he'll he will
she'll she will · should've should have · could've could have · would've would have
must've must have · might've might have · who've who have · ain't is not · aint is not
mustn't must not · needn't need not · mightn't might not · d'you do you · dyou do you
how're how are · who're who are · where're where are · when'll when will · there'll there will
smone someone · someon someone · sb somebody
smb somebody · evry every · bn been · hav have · havnt have not · wat's what is · wots what is
nothin nothing · somethin something · howmany how many · howmuch how much · alot a lot
w'end weekend
anyones anyone · nobodys nobody · everyones everyone · someones someone · at-stake at stake
undr under · uner under · unter under · ovr over · abov above · bove above · belo below
undr under · morethan more than · lessthan less than · btwn between · betw between
eob end of today · mo moment · atm's at the moment · pm'd messaged · tho though · thot thought
gotcha understood · lmk let me know · asap soon · fwiw by the way · appro approval · appvl approval
apprv'd approved · rej rejected · rejd rejected · recd received
accs accounts · bkg booking · bkgs bookings · dlvry delivery · deliv delivery · shpmt shipment
reqd required · req required · reqs requests · sched schedule · mgr manager · mgrs managers
tmrow tomorrow · tomrw tomorrow · tomorow tomorrow · 2morrow tomorrow
nxt next · lst last · prev previous · curr current · dwn down
mnth month · mnths months · mny many · opn open · wich which
whch which · wen when · wher where · dat that · dis this · bfore before · aftr after · befor before
evrything everything · evrythin everything · nothng nothing · turnd turned
rejectd rejected · signd signed · closd closed · opend opened · raisd raised · decidd decided
shw show · giv give · wrk work
doin doing · goin going · waitin waiting · gettin getting · comin coming · sittin sitting
lookin looking · stil still · alredy already · yestrday yesterday · yestaday yesterday
tday today · tmrow tomorrow · nyt night · fone phone · custmr customer · wk's week
mornin morning · evnin evening · wknd weekend · mon's monday · abt about · thnx thanks
plse please · evn even · jst just · lng long · oldst oldest · bigst biggest · newst newest
aprvd approved · rejctd rejected · rjctd rejected · dcded decided · lftovr left · hv have
hvnt have not · hs has · whn when · wer were · thru through · thruout throughout · dun done
curr current · ea each · vs against
oclock o'clock · noone no one · follow-up follow up · stand-in stand in · take-back take back
"""

FILLER_WORDS = """
a able about above across actual actually after afternoon again against ago alive all already also
altogether always am among amount an and answer any anybody anyhow anyone anything anyway anywhere
approval approvals approve approved approving are around arrivals arrived as asap ask asked asking
assume at average away back based basically be because been before being best bet between beyond
biggest bit boss bot both bother bothered breakdown brief bring btw but by called came can card
cards case cases catch certain channel cheapest check column columns combined come comes coming
concerning costing could count couple currency currently date day days dear decide deciding
decision decisions desk detail details did display do does doing done down dozen dude due during
each either else end entire entries entry evening eventually ever every everybody everyone
everything exact exactly exception exceptions fancy far fetch few figure figures filter finally
find fine first five folks for forget forgotten found fresh from full further fyi gather get gets
getting give given go goes going gone good goodness got grand great group grouped guess guys had
half hand handed happen happened happening happens has have having he hear heard hello help her
here hers hey hi him his hold holding honest honestly hope hopefully hour hours how hundred i idea
if ignore imho important in inform information interested into involved is issue issues it item
items its itself just keep kept key kind kindly kinds know lads lap largest last late lately later
latest left let lets like limit list listed literally little live load lol long look looking lot
lots made main make many mate matter may maybe me mean meanwhile mention might million mine minute
minutes moment money month months more morning most much must my myself name near need needed
needs never new newest next nice night no nobody none nor not nothing now nowadays number numbers
o'clock of off often oh ok oldest on once one ones only onto open opened or order ordered other
others otherwise our ours ourselves out over overall overdue overview owe own part particular pass
pending people per percent perhaps person phone piece pile ping pings plain plate please plus plz
point possible possibly pound pounds present print probably problem problems pull put quarter
queue quick quickly quid quite raised ran rate rather read real really recent recently reckon
record records regard regarding reject relation remain remaining report reported respect rest
result results right rn rules run running said same say saying says see seem seems send sent
seriously share she should show showed showing shows side sign signing simple simply since single
sitting situation smallest so sofar some somebody somehow someone something somewhere soon soonest
sorry sort sorts specific split stake stakes start started state status sth still story stuff such
sum summary suppose sure system take taken takes taking talk tally tbh team teams tell term terms
than thank thanks that the their theirs them themselves then there these they thing things think
thinks this those though thought thousand through ticket tickets tied time times to today together
told tomorrow tonight too top total touch tried trouble try turn turned two type under understand
until up update upon urgent us use used using usual usually value very via view wait waiting waits
wanna want wanted wants was way we week weekend weeks welcome well went were what whatever when
whenever where whether which while who whoever whole whom whose why will wish with within without
wonder wondering word work working works worth would wrong year yes yesterday yet yo you your
yours yourself yourselves
proposal proposals suggestion suggestions recommendation recommendations three four seven eight
nine fully quantity small big large tiny dispute disputed turn turning
glance peek rundown run-down recap overview headsup hell heck
damn bloody blimey crikey gonna gotta cmon come folks peeps lot bunch couple plenty several various
handful nothing anyhoo anyways asap urgently currently presently generally basically roughly
company firm outfit
ballpark estimate exact precise approximate fast slow slowly tell telling told write written type
typed typing ask asks query question questions answer answers answered reply replies respond
responded response check checking checked confirm chance chances possibility moment sec second
secs seconds minute tick jiffy today's tonight's morning's week's month's year's bits bit stuff
whats wheres hows whos also additionally
furthermore moreover besides therefore hence thus whatever whichever however although though unless
whether either neither both none each every else elsewhere otherwise instead perhaps probably
possibly maybe definitely certainly surely obviously clearly simply merely purely only solely
"""

#: Words that a slip of the keyboard is corrected to.
KEYWORD_WORDS = """
anything everything waiting overdue pending rejected approved approve rejecting expired expire
expires snoozed paused automatically automatic yourself yesterday tomorrow overnight weekend
oldest newest biggest largest smallest cheapest together invoice invoices decided decision
decisions finished unresolved resolved unrecognised recognised handled handling working
medium outstanding approval approvals approver received urgent deadline evidence history november
december september october february january wednesday thursday saturday tuesday monday friday
sunday without finance supplier customer booking bookings delivery deliveries contract contracts
complaint complaints shipment shipments renewal renewals enquiry enquiries dispute disputes
subscription subscriptions signature signatures recently currently rejection rejections category
categories department departments highest longest soonest earliest latest handover approving
deciding expiring deadlines overnight fortnight quarter quarters holding blocking assigned
together altogether breakdown proposal proposals suggestion suggestions recommendation
"""


#: Words of trade, slang and books for what examples call otherwise.
_PUT_PLAINLY = """
punters guests · punter guest · patrons guests · patron guest · clientele guests · diners guests
diner guest · eaters guests · whinging complaining · whining complaining
griping complaining · grousing complaining · moaning complaining · grumbling complaining
bellyaching complaining · whinges complaints · gripes complaints · grumbles complaints
whinge complaint · gripe complaint · griped complained · whinged complained · moaned complained
grumbled complained · grievance complaint · grievances complaints · fuming angry · miffed angry
narked angry · cross angry · livid angry · disgruntled unhappy
client customer · clients customers · consignee customer · consignees customers · buyer customer
buyers customers · purchaser customer · recipient customer · recipients customers
haulier courier · hauliers couriers · haulage courier · trucker courier · truckers couriers
forwarder carrier · freight shipment · cartons boxes · carton box · crates boxes
consignment shipment · consignments shipments · cargo shipment
received arrived · contradict disagree · contradicts disagrees · contradicting disagreeing
contradictory disagreeing · conflicting disagreeing · swears says · insists says
alleges says · maintains says
cellar wine cellar · dwindling running low · depleted running out · scarce running low
tipple wine · plonk wine · vino wine · booze wine · bubbly wine · reds wines · whites wines
statement invoice · statements invoices · remittance payment · vendor supplier · vendors suppliers
billed invoiced · invoicing invoices
prospect lead · prospects leads · inquirer lead · inquirers leads · inquiry enquiry
inquiries enquiries · ghosted not answered · neglected not answered · ignored not answered
checklist task · checklists tasks · checksheet task · checksheets tasks · chore task · chores tasks
routine task · routines tasks · ticked marked complete · snapshot photo · snapshots photos
outage alert · outages alerts · downtime alert · crashed down
complaint service note complaint · complaints service notes complaints
shindig party · bash party · banquet party · banquets parties · soiree party · feast party
unstaffed nobody on the rota · unmanned nobody on the rota · understaffed nobody on the rota
tenancy contract · retainer contract · retainers contracts · pricier dearer · costlier dearer
"""


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text, each once."""
    return frozenset(words.split())


def _read_table(text: str) -> dict[str, tuple[str, ...]]:
    """Read a table of words and what stands for them."""
    table = {}
    for line in text.splitlines():
        for entry in line.split("·"):
            words = entry.split()
            if words:
                table[words[0]] = tuple(words[1:])
    return table


ABBREVIATIONS = _read_table(_WRITTEN_OUT)
PLAIN_WORDS = {word: " ".join(words) for word, words in _read_table(_PUT_PLAINLY).items()}
FILLERS = word_set(FILLER_WORDS)
KEYWORDS = tuple(KEYWORD_WORDS.split())
