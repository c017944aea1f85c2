"""The smallest worker: two queues of one vhost, a hundred messages at a time."""

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(
    connections=[
        AMQPConnection(hostname="127.0.0.1", username="guest", password="guest", prefetch=256)
    ]
)


@app.route(
    ["asgard/counts", "asgard/counts/errors"],
    type=RouteTypes.AMQP_RABBITMQ,
    vhost="fluentd",
    options={Options.BULK_SIZE: 100},
)
async def drain_handler(messages):
    for message in messages:
        print(message.body)


app.run()
