"""A Slack that answers every call with "ok"."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

ANSWER = {
    "ok": True,
    "url": "https://example.slack.com/",
    "team": "Example",
    "team_id": "T1",
    "user_id": "UBOT",
    "bot_id": "BBOT",
    "ts": "1.0",
    "channel": {"id": "DANA"},
}


class AgreeableSlack:
    """Records what it is asked for."""

    def __init__(self):
        self.calls = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def api_url(self):
        return f"http://127.0.0.1:{self._server.server_port}/api/"

    def arguments_of(self, method):
        """Return the arguments of every call of a method."""
        return [arguments for name, arguments in self.calls if name == method]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self):
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                calls.append((self.path.rpartition("/")[2], self._arguments(body)))
                answer = json.dumps(ANSWER).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _arguments(self, body):
                if body and self.headers.get_content_type() == "application/json":
                    return json.loads(body)
                return dict(parse_qsl(body.decode()))

            def log_message(self, *_):
                """Write nothing to the output of the tests."""

        return Handler
