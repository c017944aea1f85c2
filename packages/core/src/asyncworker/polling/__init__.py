"""Routes whose messages are asked for: read, handled, and settled by their ids."""

from asyncworker.polling.message import PolledMessage
from asyncworker.polling.options import PolledOptions
from asyncworker.polling.route import PolledRoute
from asyncworker.polling.service import serving
from asyncworker.polling.source import Source

__all__ = ["PolledMessage", "PolledOptions", "PolledRoute", "Source", "serving"]
