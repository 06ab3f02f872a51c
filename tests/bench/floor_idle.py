"""The floor of idle memory: Bolt, SQLAlchemy and APScheduler in a process that does nothing.

``python -m tests.bench.floor_idle PORT SLACK FILE``; what any app of these libraries takes.
"""

import sys

import uvicorn
from apscheduler.schedulers.background import BackgroundScheduler
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def main(port: int, slack: str, path: str) -> None:
    """Serve until terminated."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE cases (id INTEGER PRIMARY KEY)"))
    client = WebClient("xoxb-floor", base_url=f"{slack}/api/", retry_handlers=[])
    app = App(client=client, token_verification_enabled=False)
    web_client = WebClient("xapp-floor", base_url=f"{slack}/api/")
    SocketModeHandler(app, "xapp-floor", web_client=web_client).connect()
    scheduler = BackgroundScheduler()
    scheduler.add_job(lambda: None, "interval", seconds=1)
    scheduler.start()

    async def ready(request: Request) -> Response:
        return JSONResponse({})

    app_server = Starlette(routes=[Route("/readyz", ready)])
    uvicorn.run(app_server, port=port, log_level="error")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
