"""Playbooks that ``countersign init`` proposes for a database.

What a column means is guessed from its type and the words of its name, and then tried: a proposal
has run its query, its evidence and its action's precondition on the database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from bot.cases.canonical import Scalar
from bot.cases.errors import ConnectorFailed
from bot.cli.company_tables import Column, Table, plain_letters
from bot.cli.proposal_sql import Backend, Dialect
from bot.connectors.sql import SqlConnector
from bot.desk.detection import detection_parameters

#: Of more, one card a row is no help.
MANY_ROWS = 50
MAX_PROPOSALS = 5
#: Letters of the name of a kind, but for the _ before its end.
MAX_KIND = 47
MAX_CANDIDATES = 60
AGES = (7, 14, 30, 60, 90, 180, 365)
DAYS_AHEAD = 30
DEADLINE_WORDS = {"due", "deadline", "required", "expected", "promised", "needed", "scheduled"}
END_WORDS = {"expires", "expiry", "expiration", "renewal", "renews", "ends", "end", "until"}
DONE_WORDS = {
    *("shipped", "closed", "completed", "done", "paid", "delivered", "resolved", "finished"),
    *("returned", "answered", "sent", "handled", "cancelled"),
}
START_WORDS = {
    *("created", "order", "ordered", "opened", "raised", "received", "placed", "issued"),
    *("submitted", "requested", "invoice", "reported", "added"),
}
AMOUNT_WORDS = {"total", "amount", "value", "balance", "sum"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the action, beside the key of the row."""

    name: str
    kind: str
    title: str
    #: The expression over the evidence that finds it.
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedAction:
    """The action on a row: one UPDATE, which can be taken back."""

    name: str
    title: str
    summary: str
    past_summary: str
    preview: str
    parameter: Parameter
    precondition: str
    statement: str
    undo: str
    #: The field of the snapshot with the money that it moves; empty for none.
    amount: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookProposal:
    """One playbook, for wrong rows of one table."""

    table: Table
    key: Column
    kind: str
    title: str
    #: The exception in words, for the question whether this is meant.
    meaning: str
    title_tail: str
    condition: str
    evidence: str
    labels: dict[str, str]
    what: str
    action: ProposedAction
    reason: str
    examples: tuple[str, ...]
    #: A fact with the money at risk; empty for none.
    stake: str = ""
    #: The column by which rows are counted over a period; None for none.
    counted_by: Column | None = None
    count: int = 0
    sample: str = ""
    sql: Dialect = Dialect(Backend.SQLITE)  # noqa: RUF009 (frozen)

    @property
    def key_name(self) -> str:
        """Return the name of the key in facts and parameters."""
        return "row_key"

    @property
    def query(self) -> str:
        """Return the SELECT whose rows are signals."""
        sql, key = self.sql, f"t.{self.sql.quote(self.key.name)}"
        subject = sql.join(f"'{self.kind}:'", sql.as_text(key))
        title = sql.join(sql.label_of(self.table, self.key), f"' {self.title_tail}'")
        return (
            f"SELECT {subject} AS subject,\n"
            f"       {title} AS title,\n"
            f"       {key} AS {self.key_name}\n"
            f"FROM {sql.quote(self.table.name)} t\n"
            f"WHERE {self.condition}"
        )


class _Candidates:
    """The candidates of one table, before they are tried."""

    def __init__(self, table: Table, *, key: Column, tables: Sequence[Table], sql: Dialect) -> None:
        self._table = table
        self._key = key
        self._tables = tables
        self._sql = sql
        self._row = f"t.{sql.quote(key.name)} = :row_key"
        self._is_row = f"{sql.quote(key.name)} = :row_key"
        self._deadline = self._find(DEADLINE_WORDS)
        self._end = self._find(END_WORDS)
        self._end_of_work = self._find(DONE_WORDS)
        self._start = self._find(START_WORDS)
        amounts = [one for one in table.columns if one.is_number and AMOUNT_WORDS & {*one.words}]
        self._amount = amounts[0] if amounts else None

    def __iter__(self) -> Iterator[PlaybookProposal]:
        """Iterate over what the columns allow."""
        if self._deadline and self._end_of_work:
            yield self._overdue(self._deadline, self._end_of_work)
        if self._amount:
            yield from self._mismatches(self._amount)
        if self._start and self._end_of_work:
            for age in AGES:
                yield self._old(self._start, self._end_of_work, age)
        near = self._end
        if not near and not self._end_of_work:
            near = self._deadline
        if near:
            yield self._near(near)

    def _find(self, words: set[str]) -> Column | None:
        days = [one for one in self._table.columns if one.is_day and words & {*one.words}]
        return days[0] if days else None

    @property
    def _noun(self) -> str:
        return self._table.noun

    def _select(self, fields: dict[str, str]) -> str:
        """Return a SELECT of one row, with its label first."""
        lines = [f"SELECT {self._sql.label_of(self._table, self._key)} AS label"]
        lines += [f"       {expression} AS {name}" for name, expression in fields.items()]
        return ",\n".join(lines) + f"\nFROM {self._sql.quote(self._table.name)} t WHERE {self._row}"

    def _base(self, kind: str, **fields: object) -> PlaybookProposal:
        words = plain_letters(self._noun).replace("-", " ").split()
        # The end says what is wrong, and stays.
        name = f"{'_'.join(words)[: MAX_KIND - len(kind)]}_{kind}"
        proposal = PlaybookProposal(
            table=self._table,
            key=self._key,
            kind=name if name[0].isalpha() else f"row_{kind}",
            counted_by=self._start,
            sql=self._sql,
            **fields,  # type: ignore[arg-type]
        )
        if not self._amount or proposal.stake:
            return proposal
        value = f"t.{self._sql.quote(self._amount.name)}"
        evidence = proposal.evidence.replace(
            " AS label", f" AS label,\n       {value} AS amount", 1
        )
        labels = {**proposal.labels, "amount": self._words(self._amount).capitalize()}
        return replace(proposal, evidence=evidence, stake="amount", labels=labels)

    @staticmethod
    def _words(column: Column) -> str:
        """Name a column for people: "due date" for "due_on"."""
        words = [word for word in column.words if word not in {"on", "at"}]
        if column.is_day and words[-1] not in {"date", "day", "time"}:
            words.append("date")
        return " ".join(words)

    def _overdue(self, deadline: Column, completion: Column) -> PlaybookProposal:
        day, noun = self._sql.day(f"t.{self._sql.quote(deadline.name)}"), self._noun
        is_open = f"t.{self._sql.quote(completion.name)} IS NULL"
        due, state = self._words(deadline), self._words(completion)
        return self._base(
            "overdue",
            title=f"{noun.capitalize()} overdue",
            meaning=f"the {due} of the {noun} has passed, and its {state} is still empty",
            title_tail="is overdue",
            condition=f"{is_open} AND {day} < {self._sql.today()}",
            evidence=self._select(self._date_facts(day)),
            labels={"on_day": due.capitalize(), "days_over": "Days over"},
            what=(
                f"{{row.label}}: its {due} was {{row.on_day}}, and its {state} is still empty."
                " Days over: {row.days_over}."
            ),
            action=self._new_date(deadline, {"is_open": _yes_or_no(is_open)}),
            reason=f"The {due} was {{row.on_day}}: agree on a new one, or reject.",
            examples=(
                f"This {noun} is late",
                f"The {noun} is overdue and nobody has done anything",
                f"We promised this {noun} for last week",
                f"A customer asks where the {noun} is",
            ),
        )

    def _near(self, column: Column) -> PlaybookProposal:
        day, noun = self._sql.day(f"t.{self._sql.quote(column.name)}"), self._noun
        words = self._words(column)
        facts = self._date_facts(day)
        facts["days_left"] = self._sql.days_between(day, self._sql.today())
        return self._base(
            "date_near",
            title=f"{noun.capitalize()} with a date that comes near",
            meaning=f"the {words} of the {noun} is within the next {DAYS_AHEAD} days",
            title_tail="needs a decision soon",
            condition=(f"{day} BETWEEN {self._sql.today()} AND {self._sql.today(DAYS_AHEAD)}"),
            evidence=self._select(facts),
            labels={"on_day": words.capitalize(), "days_left": "Days left"},
            what=f"{{row.label}}: its {words} is {{row.on_day}}. Days left: {{row.days_left}}.",
            action=self._new_date(column, {}),
            reason=f"The {words} is {{row.on_day}}: move it, or reject and let it come.",
            examples=(
                f"The {noun} ends soon",
                f"This {noun} comes up for renewal",
                f"We must decide about the {noun} before its date",
                f"The date of the {noun} is near",
            ),
        )

    def _date_facts(self, day: str) -> dict[str, str]:
        return {
            "on_day": day,
            "days_over": self._sql.days_between(self._sql.today(), day),
            "earliest": self._sql.today(1),
            "new_date": self._sql.today(7),
        }

    def _new_date(self, column: Column, conditions: dict[str, str]) -> ProposedAction:
        name, words = self._sql.quote(column.name), self._words(column)
        table = self._sql.quote(self._table.name)
        day = self._sql.day(name)
        return ProposedAction(
            name="agree_new_date",
            title="Agree on a new date",
            summary=f"Move the {words} of {{label}} to {{new_date}}",
            past_summary=f"Moved the {words} of {{label}} to {{new_date}}",
            preview=f"{{label}}: its {words} is {{new_date}}; nothing else changes",
            parameter=Parameter(
                name="new_date", kind="date", title="New date", expression="row.new_date"
            ),
            precondition=self._select({"value_before": f"t.{name}", **conditions}),
            statement=(
                f"UPDATE {table} SET {name} = {self._sql.with_day(column, ':new_date')}"
                f" WHERE {self._is_row}"
            ),
            undo=(
                f"UPDATE {table} SET {name} = {self._sql.restore(column, ':was_value_before')}"
                f" WHERE {self._is_row} AND {day} = {self._sql.day(':new_date')}"
            ),
        )

    def _old(self, start: Column, completion: Column, age: int) -> PlaybookProposal:
        noun, table = self._noun, self._sql.quote(self._table.name)
        day = self._sql.day(f"t.{self._sql.quote(start.name)}")
        name, state = self._sql.quote(completion.name), self._words(completion)
        is_open = f"t.{name} IS NULL"
        return self._base(
            "left_open",
            title=f"{noun.capitalize()} left open",
            meaning=f"the {noun} is older than {age} days, and its {state} is still empty",
            title_tail="was left open",
            condition=f"{is_open} AND {day} < {self._sql.today(-age)}",
            evidence=self._select(
                {
                    "since_day": day,
                    "days_open": self._sql.days_between(self._sql.today(), day),
                    "today": self._sql.today(),
                }
            ),
            labels={"since_day": "Open since", "days_open": "Days open"},
            what="{row.label} is open since {row.since_day}. Days open: {row.days_open}.",
            action=ProposedAction(
                name="close_row",
                title=f"Close the {noun}",
                summary=f"Enter {{on_day}} as the {state} of {{label}}",
                past_summary=f"Entered {{on_day}} as the {state} of {{label}}",
                preview=f"{{label}}: its {state} is {{on_day}}; nothing else changes",
                parameter=Parameter(
                    name="on_day", kind="date", title="Day", expression="row.today"
                ),
                precondition=self._select({"is_open": _yes_or_no(is_open)}),
                statement=(
                    f"UPDATE {table} SET {name} = {self._sql.from_day(completion, ':on_day')}"
                    f" WHERE {self._is_row} AND {name} IS NULL"
                ),
                undo=(
                    f"UPDATE {table} SET {name} = NULL WHERE {self._is_row}"
                    f" AND {self._sql.day(name)} = {self._sql.day(':on_day')}"
                ),
            ),
            reason="It is open for {row.days_open} days: close it, or reject and see to it.",
            examples=(
                f"This {noun} is still open",
                f"The {noun} was forgotten",
                f"Nobody has closed the {noun}",
                f"An old {noun} is lying around",
            ),
        )

    def _mismatches(self, total: Column) -> Iterator[PlaybookProposal]:
        for other in self._tables:
            for link in other.links:
                lines = _line_value(other, self._sql)
                if link.table == self._table.name and lines:
                    yield self._mismatch(total, other, link=link.column, value=lines)

    def _mismatch(self, total: Column, lines: Table, *, link: str, value: str) -> PlaybookProposal:
        name, table, noun = (
            self._sql.quote(total.name),
            self._sql.quote(self._table.name),
            self._noun,
        )
        parts, words = f"{lines.noun} rows", self._words(total)
        line_sum = self._sql.round_to_cents(f"SUM({value})")
        sums = (
            f"(SELECT {line_sum} FROM {self._sql.quote(lines.name)} c"
            f" WHERE c.{self._sql.quote(link)} = t.{self._sql.quote(self._key.name)})"
        )
        difference = self._sql.round_to_cents(f"ABS(t.{name} - {sums})")
        return self._base(
            "sum_differs",
            title=f"{words.capitalize()} of the {noun} does not match",
            meaning=f"the {words} of the {noun} is not the sum of its {parts}",
            title_tail="does not add up",
            condition=f"ABS(t.{name} - {sums}) > 0.005",
            evidence=self._select(
                {"stated": f"t.{name}", "line_sum": sums, "difference": difference}
            ),
            labels={
                "stated": words.capitalize(),
                "line_sum": f"Sum of the {parts}",
                "difference": "Difference",
            },
            what=(
                f"{{row.label}}: its {words} is {{row.stated}}, and its {parts} come to"
                " {row.line_sum}; the difference is {row.difference}."
            ),
            action=ProposedAction(
                name="correct_total",
                title=f"Correct the {words}",
                summary=f"Correct the {words} of {{label}} to {{new_total}}",
                past_summary=f"Corrected the {words} of {{label}} to {{new_total}}",
                preview=f"{{label}}: its {words} is {{new_total}}; now it is {{value_before}}",
                parameter=Parameter(
                    name="new_total",
                    kind="decimal",
                    title=words.capitalize(),
                    expression="row.line_sum",
                ),
                precondition=self._select({"value_before": f"t.{name}", "difference": difference}),
                statement=f"UPDATE {table} SET {name} = :new_total WHERE {self._is_row}",
                undo=(
                    f"UPDATE {table} SET {name} = {self._sql.restore(total, ':was_value_before')}"
                    f" WHERE {self._is_row} AND ABS({name} - :new_total) < 0.005"
                ),
                amount="difference",
            ),
            reason="The {row.difference} of difference is in the sum, and not in what was agreed.",
            stake="difference",
            examples=(
                f"The {words} of this {noun} is wrong",
                f"The lines of the {noun} do not add up",
                f"Sum and {words} differ",
                f"Somebody has added up the {noun} wrongly",
            ),
        )


def _yes_or_no(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 'yes' ELSE 'no' END"


def _line_value(table: Table, sql: Dialect) -> str:
    """Return the money of one line; empty where it cannot be told.

    A discount may be a share or an amount, so a table with one is left alone.
    """
    numbers = [column for column in table.columns if column.is_number]
    if any("discount" in column.words or "tax" in column.words for column in numbers):
        return ""
    quantity = next((one for one in numbers if {"quantity", "qty"} & {*one.words}), None)
    price = next((one for one in numbers if "price" in one.words), None)
    if quantity and price:
        return f"c.{sql.quote(quantity.name)} * c.{sql.quote(price.name)}"
    amount = next((one for one in numbers if AMOUNT_WORDS & {*one.words}), None)
    return f"c.{sql.quote(amount.name)}" if amount else ""


def find_proposals(
    tables: Sequence[Table], connector: SqlConnector, *, sql: Dialect, now: datetime
) -> list[PlaybookProposal]:
    """Return the proposals that ran on the database, the best first.

    The best concerns some rows and not all: each is a card for somebody.
    """
    candidates = (
        candidate
        for table in tables
        if table.key is not None
        for candidate in _Candidates(table, key=table.key, tables=tables, sql=sql)
    )
    proposals: dict[str, PlaybookProposal] = {}
    for candidate in islice(candidates, MAX_CANDIDATES):
        best = proposals.get(candidate.kind)
        # Of the ages of one table, the first that leaves a handful.
        if best is None or best.count > MANY_ROWS:
            proposal = _try(candidate, connector, now)
            if proposal is not None and (proposal.count or best is None):
                proposals[candidate.kind] = proposal
    return sorted(proposals.values(), key=_rank)[:MAX_PROPOSALS]


def _rank(proposal: PlaybookProposal) -> tuple[int, int]:
    if not proposal.count:
        return 2, 0
    return (1, proposal.count) if proposal.count > MANY_ROWS else (0, -proposal.count)


def _try(
    candidate: PlaybookProposal, connector: SqlConnector, now: datetime
) -> PlaybookProposal | None:
    """Run what a proposal asks; None where a guess was wrong."""
    values = detection_parameters(now)
    try:
        rows = connector.look_up(candidate.query, values, MANY_ROWS + 1)
        key = rows[0][candidate.key_name] if rows else _any_key(candidate, connector)
        if key is None:
            return None
        row = connector.look_up(candidate.evidence, {**values, "row_key": key}, 2)
        before = connector.look_up(candidate.action.precondition, {"row_key": key}, 2)
    except ConnectorFailed:
        return None
    # A date that the database cannot read is no date, whatever its column is called.
    is_read = len(row) == len(before) == 1 and None not in row[0].values()
    if not is_read:
        return None
    count = len(rows)
    if count > MANY_ROWS:
        counting = f"SELECT COUNT(*) AS number FROM ({candidate.query}) q"
        count = int(str(connector.look_up(counting, values, 1)[0]["number"]))
    return replace(candidate, count=count, sample=str(rows[0]["title"]) if rows else "")


def _any_key(candidate: PlaybookProposal, connector: SqlConnector) -> Scalar:
    quote = candidate.sql.quote
    key, table = quote(candidate.key.name), quote(candidate.table.name)
    rows = connector.look_up(f"SELECT {key} AS row_key FROM {table} LIMIT 1", {}, 1)
    return rows[0]["row_key"] if rows else None
