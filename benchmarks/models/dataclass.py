"""Dataclasses."""

from dataclasses import dataclass


@dataclass
class Item:
    """Hold one line of an order."""

    product: str
    amount: int
    price: float
    gift: bool


@dataclass
class Order:
    """Hold an order."""

    id: int
    items: list[Item]
    n: str
