"""Source of a typed function with types of its own, which tests of tools and documents serve."""

QUOTE = '''
import dataclasses
import ffhost

@dataclasses.dataclass
class Order:
    item: str
    amount: int = 1

@dataclasses.dataclass
class Price:
    cents: int

@ffhost.typed
def quote(order: Order) -> Price:
    """Price an order."""
    return Price(400 * order.amount)
'''
