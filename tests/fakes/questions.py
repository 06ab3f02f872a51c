"""Answers to questions that are known beforehand, and colleagues who are reminded."""

from dataclasses import replace

from bot.cases.errors import BadRequest
from bot.ports.question_log import AnsweredQuestion
from bot.views.answers import Answer


class FakeQuestions:
    """Records what it is asked."""

    def __init__(self, visibility=None):
        self.visibility = visibility
        self.received = []
        self.asked = []
        self.queries = []
        #: The other readings of each question, in words.
        self.readings = {}
        self.answer_text = "Two are open."
        self.failure = None

    def receive(self, question):
        if question not in self.received:
            self.received.append(question)

    def answer(self, text, *, by, channel="", conversation="", **_):
        self.asked.append((text, by, channel, conversation))
        return Answer(text=self.answer_text)

    def answer_query(self, query, *, by, channel=""):
        self.queries.append((query, by, channel))
        return Answer(text=self.answer_text)

    def choices(self, question_id, *, by):
        return self.readings.get((question_id, by), ())

    def answer_choice(self, question_id, number, *, by):
        readings = self.choices(question_id, by=by)
        if not 0 <= number < len(readings):
            raise BadRequest("this reading is not offered any more; ask again")
        return Answer(text=f"Read as: {readings[number]}.")

    def report(self, *, by):
        return Answer(text="A report.")


class FakeReminders:
    """Reminds everybody but the one who asks."""

    def __init__(self):
        self.reminders = []

    def remind(self, *, by, of, case_id=""):
        if by == of:
            raise BadRequest("choose somebody else to remind")
        self.reminders.append((by, of, case_id))
        return "I reminded Ben Okafor of one case."


class FakeQuestionLog:
    """Keeps questions in memory."""

    def __init__(self, *records):
        self.records = list(records)
        self.messages = []

    def record(self, question, message):
        self.records.append(question)
        self.messages.append(message)
        return True

    def record_vote(self, question_id, person, vote):
        for place, record in enumerate(self.records):
            if (record.id, record.person) == (question_id, person):
                self.records[place] = replace(record, vote=vote)
                return True
        return False

    def find_answer(self, question_id, person):
        for record in self.records:
            if (record.id, record.person) == (question_id, person):
                return AnsweredQuestion(reading=record.reading, query=None)
        return None

    def questions(self, since, *, only_unanswered, limit=100):
        found = []
        for record in reversed(self.records):
            is_unanswered = not record.reading or record.vote == "down"
            if record.asked_at >= since and (is_unanswered or not only_unanswered):
                found.append(record)
        return found[:limit]
