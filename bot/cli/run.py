"""``countersign run``."""

import logging
import sys

from bot import wiring
from bot.cli.logs import configure_logging
from bot.cli.shutdown import StopSignal
from bot.settings import load

log = logging.getLogger("countersign")
# Many short waits on few cores: a thread that has work should not wait for the default 5 ms.
SWITCH_INTERVAL_SECONDS = 0.0005


def run() -> None:
    settings = load()
    configure_logging(settings.log_level)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    service = wiring.build_service(settings)
    # Before the doors open: what has come in by them is finished, however soon the stop comes.
    stop = StopSignal()
    service.start()
    addresses = f"intake on http://{settings.host}:{settings.port}, {settings.slack_api_url}"
    log.info("open: %s mode, %s", settings.mode, addresses)
    stop.wait()
    # Work under lease is finished, so that no other process has to wait for the lease to end.
    log.info("closing: finishing what is in hand")
    service.stop()
