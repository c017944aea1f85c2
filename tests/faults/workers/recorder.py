"""What a worker did, in a file: what was written stays, even when the worker is killed."""

import json
import os
import time

_file = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(event, messages=(), **details):
    """Write one line for each message, or a single one when there are none."""
    subjects = [
        {"id": message.message_id, "redelivered": message.redelivered} for message in messages
    ]
    lines = [
        json.dumps({"event": event, "at": time.monotonic()} | subject | details)
        for subject in (subjects or [{}])
    ]
    os.write(_file, "".join(f"{line}\n" for line in lines).encode())
