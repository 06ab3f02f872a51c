"""The planted control: an app that reads, tests and writes without a compare-and-set. It must have two winners now and then.

``python -m tests.attack.naive EMULATOR DATABASE`` listens until it is ended.
"""

import sys
import threading

import sqlalchemy as sa
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

metadata = sa.MetaData()
cases = sa.Table(
    "naive_cases", metadata, sa.Column("id", sa.Text, primary_key=True), sa.Column("state", sa.Text)
)
winners = sa.Table(
    "naive_winners", metadata, sa.Column("id", sa.Text), sa.Column("decision", sa.Text)
)


def decide(engine: sa.Engine, case_id: str, decision: str) -> bool:
    """Look whether it is open, and if so write the decision: nothing holds the two together."""
    with engine.connect() as connection:
        state = connection.execute(sa.select(cases.c.state).where(cases.c.id == case_id)).scalar()
    if state != "open":
        return False
    with engine.begin() as connection:
        connection.execute(sa.update(cases).where(cases.c.id == case_id).values(state=decision))
        connection.execute(sa.insert(winners).values(id=case_id, decision=decision))
    return True


def main() -> None:
    emulator, url = sys.argv[1:3]
    engine = sa.create_engine(url)
    client = WebClient("xoxb-naive", base_url=f"{emulator}/api/", retry_handlers=[])
    app = App(client=client, process_before_response=True, token_verification_enabled=False)
    for action_id, decision in (("case.approve", "approved"), ("case.reject", "rejected")):

        def press(ack, body, decision=decision):
            decide(engine, body["actions"][0]["value"], decision)
            ack()

        app.action(action_id)(press)
    SocketModeHandler(
        app,
        "xapp-naive",
        web_client=WebClient("xapp-naive", base_url=f"{emulator}/api/"),
        concurrency=8,
    ).connect()
    threading.Event().wait()


if __name__ == "__main__":
    main()
