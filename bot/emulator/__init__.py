"""A small Slack on localhost: Web API, Socket Mode, a page in the browser, faults on demand. It knows only the wire."""
