"""The tables.

``ledger`` is the truth. ``cases``, ``effects`` and ``outbox`` are written in the same transaction
and follow from it.
"""

from functools import cache

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

heads = Table(
    "heads",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("chain", Text, nullable=False),
    Column("peaks", Text, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("case_id", Text),
    Column("fingerprint", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("source", "key"),
    Index("inbox_by_fingerprint", "fingerprint", "received_at"),
    Index("inbox_by_case", "case_id"),
)

# A second body under a key that was received before: for a person to look at, never merged.
inbox_conflicts = Table(
    "inbox_conflicts",
    metadata,
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Text, nullable=False),
    PrimaryKeyConstraint("source", "key", "digest"),
)

#: What questions about ended cases ask for, and who may see them.
ENDED_COLUMNS = (
    "ended_at",
    "rank",
    "decided_at",
    "number",
    "id",
    "channel",
    "kind",
    "state",
    "source",
    "owner",
    "team",
    "decision",
    "deciders",
    "is_edited",
    "is_automatic",
    "risk",
    "currency",
    "stake_cents",
)

# The long texts are last: SQLite reads a row from its beginning. There, the index
# ``cases_by_question`` holds all columns but these, and answers questions alone.
cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("due_at", Float),
    # The columns from here on are for lists and questions. Lists of names stand between blanks;
    # the lower the rank, the more urgent.
    Column("channel", Text, nullable=False, server_default=""),
    Column("waits_on", Text, nullable=False, server_default=""),
    Column("rank", Float, nullable=False, server_default="0"),
    Column("decide_by", Float, nullable=False, server_default="0"),
    Column("stake", Float),
    Column("opened_at", Float, nullable=False, server_default="0"),
    Column("decided_at", Float),
    Column("ended_at", Float),
    Column("undo_until", Float),
    Column("team", Text, nullable=False, server_default=""),
    # The stake in hundredths of its currency: sums of it are exact.
    Column("stake_cents", BigInteger),
    Column("currency", Text, nullable=False, server_default=""),
    Column("expires_at", Float),
    # The decision in force; ``decided_at`` is the time of the first.
    Column("decision", Text, nullable=False, server_default=""),
    Column("decision_at", Float),
    Column("deciders", Text, nullable=False, server_default=""),
    Column("is_edited", Integer, nullable=False, server_default="0"),
    Column("approvers", Text, nullable=False, server_default=""),
    Column("approvals_needed", Integer, nullable=False, server_default="0"),
    Column("approvals_given", Integer, nullable=False, server_default="0"),
    Column("actions", Text, nullable=False, server_default=""),
    Column("authors", Text, nullable=False, server_default=""),
    Column("voters", Text, nullable=False, server_default=""),
    Column("requesters", Text, nullable=False, server_default=""),
    Column("risk", Integer, nullable=False, server_default="0"),
    Column("is_automatic", Integer, nullable=False, server_default="0"),
    # For digests and reviews: the money that its plan moved, and ``AgreementType``.
    Column("moved_cents", BigInteger),
    Column("moved_currency", Text, nullable=False, server_default=""),
    Column("agreement", Text, nullable=False, server_default=""),
    Column("is_escalated", Integer, nullable=False, server_default="0"),
    Column("is_reopened", Integer, nullable=False, server_default="0"),
    Column("is_undone", Integer, nullable=False, server_default="0"),
    # A person named its kind.
    Column("is_named", Integer, nullable=False, server_default="0"),
    Column("inquiry_count", Integer, nullable=False, server_default="0"),
    Column("fingerprint", Text, nullable=False),
    # The names in it, one a line.
    Column("names", Text, nullable=False, server_default=""),
    # Words by ``bot.cases.search_words``, with a blank before each.
    Column("words", Text, nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    # PostgreSQL refuses a row whose part in an index is long, and needs no such index.
    Index(
        "cases_by_question",
        "ended_at",
        "rank",
        "number",
        "id",
        "channel",
        "state",
        "kind",
        "source",
        "owner",
        "team",
        "waits_on",
        "stake_cents",
        "currency",
        "opened_at",
        "decide_by",
        "expires_at",
        "decided_at",
        "decision",
        "decision_at",
        "deciders",
        "is_edited",
        "approvers",
        "approvals_needed",
        "approvals_given",
        "actions",
        "authors",
        "voters",
        "requesters",
        "risk",
        "is_automatic",
        "moved_cents",
        "moved_currency",
        "agreement",
        "is_escalated",
        "is_reopened",
        "is_undone",
        "is_named",
        "inquiry_count",
    ).ddl_if(dialect="sqlite"),
    Index("cases_by_rank", "state", "rank"),
    Index("cases_by_opening", "opened_at"),
    Index("cases_by_end", "ended_at", "rank"),
    # A case gets into these once, when it ends. On SQLite they answer questions alone.
    Index(
        "ended_by_opening",
        "opened_at",
        *ENDED_COLUMNS,
        "decision_at",
        sqlite_where=text("ended_at IS NOT NULL"),
    ).ddl_if(dialect="sqlite"),
    Index(
        "ended_by_decision",
        "decision_at",
        *ENDED_COLUMNS,
        "opened_at",
        sqlite_where=text("ended_at IS NOT NULL"),
    ).ddl_if(dialect="sqlite"),
    Index(
        "ended_by_kind",
        "kind",
        "ended_at",
        "number",
        sqlite_where=text("ended_at IS NOT NULL"),
    ).ddl_if(dialect="sqlite"),
    Index("cases_by_kind", "kind", "ended_at").ddl_if(dialect="postgresql"),
    Index("cases_by_fingerprint", "fingerprint", "number"),
    Index("cases_by_state", "state", "kind"),
    Index("cases_by_due", "due_at"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("leaf", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("case_id", "version"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", Text, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Attempts since the last certain outcome: above 1, an earlier attempt may have had its effect.
    Column("doubt", Integer, nullable=False),
    Column("run_at", Float, nullable=False),
    Column("payload", Text, nullable=False),
    Column("error", Text, nullable=False),
    # Among the due, the lower number goes first.
    Column("priority", Integer, nullable=False, server_default="0"),
    # A claim reads the range of what is due. Were the priority before the time, it would read
    # all that waits for a later time, too.
    Index("outbox_by_due", "state", "topic", "run_at", "priority"),
)

# One row per step that was ever begun. Each consumes its approval once.
effects = Table(
    "effects",
    metadata,
    Column("case_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("amount", Numeric(20, 4), nullable=False),
    Column("day", Text, nullable=False),
    Column("at", Float, nullable=False, server_default="0"),
    # How it ended, for the circuit breaker; empty while nobody knows.
    Column("outcome", Text, nullable=False, server_default=""),
    Column("requester", Text, nullable=False, server_default=""),
    Column("currency", Text, nullable=False, server_default=""),
    # The kind of a plan that policy let run alone, for the budget of the day; empty for others.
    Column("alone_kind", Text, nullable=False, server_default=""),
    # The grant that approved the plan; empty where people did, or policy.
    Column("grant_id", Text, nullable=False, server_default=""),
    # The standing rule that it ran by; empty for none.
    Column("rule_id", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("case_id", "revision", "step"),
    Index("effects_by_action", "action", "at"),
)

# Where a card stands in Slack. Not in the ledger: it says nothing about the case. ``drawn`` is the
# version of the case that it shows.
cards = Table(
    "cards",
    metadata,
    Column("case_id", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("ts", Text, nullable=False),
    Column("drawn", Text, nullable=False),
    Column("look", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("case_id", "generation"),
    Index("cards_by_place", "channel", "ts"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("job", Text, nullable=False),
    Column("slot", BigInteger, nullable=False),
    PrimaryKeyConstraint("job", "slot"),
)

# When the details of a plan were opened first. Nobody who opened them is named.
details_openings = Table(
    "details_openings",
    metadata,
    Column("case_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("first_at", Float, nullable=False),
    PrimaryKeyConstraint("case_id", "revision"),
)

# What sources leave out of what they are sent. Nothing of the requests themselves is kept.
ignored_requests = Table(
    "ignored_requests",
    metadata,
    Column("source", Text, nullable=False),
    # The day in UTC, in ISO 8601.
    Column("day", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("last_at", Float, nullable=False),
    PrimaryKeyConstraint("source", "day", "event"),
)

# What names in files stood for in Slack when they were looked up first. Who takes over a name later
# gains nothing.
pinned_names = Table(
    "pinned_names",
    metadata,
    # "person" by e-mail, "channel" by name.
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("slack_id", Text, nullable=False),
    Column("pinned_at", Float, nullable=False),
    PrimaryKeyConstraint("kind", "name"),
)

# Precedents follow from the ledger, except for imported ones, which are only here: ``batch`` names
# the import. ``seq`` goes up with every change, so that an index catches up by what is new.
precedents = Table(
    "precedents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("batch", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("is_gone", Integer, nullable=False),
    Column("ended_at", Float, nullable=False),
    Column("body", Text, nullable=False),
    Index("precedents_by_seq", "seq"),
    Index("precedents_by_batch", "batch"),
    Index("precedents_by_kind", "kind", "ended_at"),
)

# What a person called an unrecognised case. An empty kind means "something new".
labels = Table(
    "labels",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
)

# What holds for the whole desk: one row, the fold of the ledger's entries about the desk.
controls = Table(
    "standing",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

# The parties to a case, who may see it wherever they are: they raised it, own it or acted on it.
case_people = Table(
    "named",
    metadata,
    Column("person", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    # Those of the case: what somebody sees outside of their channels is a range, and so is what
    # they had to do with last.
    Column("channel", Text, nullable=False, server_default=""),
    Column("number", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("person", "case_id"),
    Index("named_by_channel", "person", "channel", "case_id"),
    Index("named_by_number", "person", "number"),
)

# How many cases ended, by day and by what they share; ``bot.store.case_tallies`` writes and reads
# them. ``id`` hashes what they share.
case_tallies = Table(
    "case_tallies",
    metadata,
    Column("event", Text, nullable=False),
    # Days since 1970, of UTC.
    Column("day", Integer, nullable=False),
    Column("id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("deciders", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("risk", Integer, nullable=False),
    Column("is_automatic", Integer, nullable=False),
    Column("is_edited", Integer, nullable=False),
    Column("cases", BigInteger, nullable=False),
    Column("stake_cents", BigInteger, nullable=False),
    PrimaryKeyConstraint("event", "day", "id"),
    # SQLite keeps the rows in the order of their key: a span of days is one range.
    sqlite_with_rowid=False,
)

# What the decisions on plans tell about the actions of a kind, by ``bot.cases.agreement``.
decision_scores = Table(
    "decision_scores",
    metadata,
    Column("case_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("decided_at", Float, nullable=False),
    Column("stage", Text, nullable=False),
    Column("is_alone", Integer, nullable=False),
    Column("is_comparable", Integer, nullable=False),
    Column("action_agrees", Integer, nullable=False),
    Column("parameters_agree", Integer, nullable=False),
    # ``BadOutcome``; empty for none.
    Column("bad_outcome", Text, nullable=False),
    Column("bad_reason", Text, nullable=False),
    Column("bad_at", Float),
    PrimaryKeyConstraint("case_id", "revision", "action"),
    # The record of an action is a range of time: it costs what happened in it.
    Index("decision_scores_by_action", "kind", "action", "decided_at"),
)

# Lists that stand somewhere and follow their cases: a channel's digest, a person's App Home.
live_lists = Table(
    "boards",
    metadata,
    Column("key", Text, primary_key=True),
    Column("place", Text, nullable=False),
    Column("ts", Text, nullable=False),
    Column("shown_at", Float, nullable=False),
    Column("body", Text, nullable=False),
)

live_list_items = Table(
    "listed",
    metadata,
    Column("case_id", Text, nullable=False),
    Column("board", Text, nullable=False),
    PrimaryKeyConstraint("case_id", "board"),
    Index("listed_by_board", "board"),
)

# Persons who are erased. The names are gone once an erasure is done: only then is it one.
erasures = Table(
    "erasures",
    metadata,
    Column("label", Text, primary_key=True),
    Column("state", Text, nullable=False),
    # A JSON list.
    Column("terms", Text, nullable=False),
    Column("begun_at", Float, nullable=False),
)

# Runs that remove what is past its term. Only while a transaction of one is "writing" may a line of
# the ledger say something else.
removals = Table(
    "removals",
    metadata,
    Column("run", Text, primary_key=True),
    Column("state", Text, nullable=False),
    # How much it has removed so far: JSON, by kind.
    Column("counts", Text, nullable=False),
    Column("begun_at", Float, nullable=False),
)

# The cases of which nobody can say any more what they were about.
removed_cases = Table(
    "removed_cases",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("run", Text, nullable=False),
)

# Questions, how they were read, and whether the answers helped.
questions = Table(
    "questions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asked_at", Float, nullable=False),
    Column("person", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("understood", Text, nullable=False),
    Column("vote", Text, nullable=False),
    Column("conversation", Text, nullable=False, server_default=""),
    # JSON; empty where there is none.
    Column("query", Text, nullable=False, server_default=""),
    Column("case_ids", Text, nullable=False, server_default=""),
    Column("alternatives", Text, nullable=False, server_default=""),
    Column("left_aside", Text, nullable=False, server_default=""),
    Column("choice", Text, nullable=False, server_default=""),
    Index("questions_by_time", "asked_at"),
    Index("questions_by_conversation", "person", "conversation", "asked_at"),
)

# Read by a release that finds the database newer than itself.
migrations = Table(
    "migrations",
    metadata,
    Column("revision", Text, primary_key=True),
    # The oldest migration whose release may still use the database.
    Column("readable_from", Text, nullable=False),
)


@cache
def declare_postgresql_indexes() -> None:
    """Declare the indexes with options of PostgreSQL.

    Their options load its dialect, which only who compares schemas needs: migrations create them.
    """
    Index(
        "cases_by_decision",
        cases.c.decision_at,
        postgresql_where=text("ended_at IS NOT NULL"),
    ).ddl_if(dialect="postgresql")
    # The beginning of a key is looked up, and then the time: rows are read for what is found alone.
    # PostgreSQL looks up no beginning in an order of its own.
    Index(
        "boards_by_prefix",
        live_lists.c.key,
        live_lists.c.shown_at,
        postgresql_ops={"key": "text_pattern_ops"},
    )
