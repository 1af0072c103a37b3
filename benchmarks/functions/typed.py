"""A typed function of the kind that functions-framework knows; both servers run it."""

from dataclasses import asdict, dataclass

import functions_framework


@dataclass
class Order:
    item: str
    quantity: int

    @classmethod
    def from_dict(cls, values):
        return cls(item=values["item"], quantity=int(values["quantity"]))

    def to_dict(self):
        return asdict(self)


@functions_framework.typed(Order)
def order(given):
    return given
