"""Bodies of requests: read within a size and a time."""

import asyncio

import pytest
from starlette.requests import Request

from handlers.bodies import BodyRefused, limited_body


@pytest.mark.threat("C3")
@pytest.mark.parametrize("seconds", [0.05, 30.0])
def test_a_body_that_does_not_come_is_waited_for_no_longer_than_its_time(seconds):
    async def receive():
        if seconds < 1:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    with pytest.raises(BodyRefused, match="did not arrive") as refused:
        asyncio.run(limited_body(request, 1000, seconds))
    assert refused.value.status == 408
