"""A worker with something to test: a queue, and what it publishes to another."""

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(hostname="127.0.0.1")])


@app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
async def invoice(messages):
    for message in messages:
        if "id" in message.body:
            await app["rabbitmq_connection"].put({"order": message.body["id"]}, "invoices")
        else:
            message.reject(requeue=False)


if __name__ == "__main__":
    app.run()
