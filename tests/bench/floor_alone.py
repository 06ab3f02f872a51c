"""The bare floor of a change without a person: note the signal, change the row, look, note, post.

Intent before the effect and the look after it are what keeps an effect from being lost or done
twice; nothing else of a product is here.
"""

import sys
import threading
import time
from typing import Any

from slack_sdk import WebClient

from tests.bench.floor import open_durable, serve


def main(port: int, slack: str, path: str) -> None:
    """Serve until terminated."""
    own, system = open_durable(path), open_durable(f"{path}.system")
    own.execute("CREATE TABLE signals (key TEXT PRIMARY KEY, body TEXT, done_at REAL)")
    system.execute("CREATE TABLE orders (key TEXT PRIMARY KEY, quantity INTEGER)")
    client = WebClient("xoxb-floor", base_url=f"{slack}/api/", retry_handlers=[])
    lock = threading.Lock()

    def act(signal: dict[str, Any]) -> None:
        key = signal["key"]
        with lock:
            system.execute("INSERT INTO orders VALUES (?, 12)", (key,))
            system.execute("SELECT quantity FROM orders WHERE key = ?", (key,)).fetchone()
            own.execute("UPDATE signals SET done_at = ? WHERE key = ?", (time.time(), key))
        client.chat_postMessage(
            channel="C0STOCK",
            text=signal["title"],
            metadata={"event_type": "exception_card", "event_payload": {"uid": key}},
        )

    def keep(signal: dict[str, Any]) -> None:
        with lock:
            row = (signal["key"], str(signal))
            own.execute("INSERT INTO signals VALUES (?, ?, NULL)", row)
        threading.Thread(target=act, args=(signal,)).start()

    serve(port, keep)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
