"""Fields, files and a cookie of a request, as parameters; it asks itself, and ends."""

import asyncio
from typing import Annotated

from aiohttp import ClientSession, FormData

from asyncworker import App, Cookie, Form, UploadedFile

app = App()


@app.http.post("/pictures")
async def add(
    picture: UploadedFile,
    title: Annotated[str, Form()],
    user: Annotated[str, Cookie()],
    tag: Annotated[tuple[str, ...], Form()] = (),
):
    size = len(await picture.read())
    return {"user": user, "title": title, "tags": tag, "file": picture.filename, "bytes": size}


async def main():
    async with app.started(), ClientSession(app.http.url, cookies={"user": "maria"}) as client:
        for fields in ([("title", "Cat"), ("tag", "cute"), ("tag", "grey")], []):
            form = FormData(fields)
            form.add_field("picture", b"\x89PNG", filename="cat.png", content_type="image/png")
            async with client.post("/pictures", data=form) as response:
                print(response.status, await response.text(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
