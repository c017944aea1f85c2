"""Models of pydantic."""

from pydantic import BaseModel


class Item(BaseModel):
    """Hold one line of an order."""

    product: str
    amount: int
    price: float
    gift: bool


class Order(BaseModel):
    """Hold an order."""

    id: int
    items: list[Item]
    n: str
