"""An app for the command line: one port, as many processes as you like.

asyncworker run examples/command_line.py --workers 4
asyncworker routes examples/command_line.py
asyncworker check examples/command_line.py
"""

import os

from asyncworker import App

app = App()


@app.http.get("/")
async def who():
    return {"process": os.getpid()}


if __name__ == "__main__":
    app.run()
