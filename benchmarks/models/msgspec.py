"""Structs of msgspec."""

from msgspec import Struct


class Item(Struct):
    """Hold one line of an order."""

    product: str
    amount: int
    price: float
    gift: bool


class Order(Struct):
    """Hold an order."""

    id: int
    items: list[Item]
    n: str
