"""Its tests need no broker: pytest.ini beside them says which app `worker` runs."""


async def test_an_order_is_invoiced(worker):
    invoices = worker.queue("invoices")
    await worker.publish({"id": 7}, "orders")
    await worker.idle()
    assert invoices.bodies == [{"order": 7}]


async def test_an_order_without_an_id_is_rejected(worker):
    await worker.publish({}, "orders")
    await worker.idle()
    assert [message.outcome for message in worker.messages] == ["rejected"]
