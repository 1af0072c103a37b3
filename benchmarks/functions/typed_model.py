"""A typed function of a pydantic model; functions-framework needs the two methods for it."""

import functions_framework
from pydantic import BaseModel


class Order(BaseModel):
    item: str
    quantity: int

    @classmethod
    def from_dict(cls, values):
        return cls.model_validate(values)

    def to_dict(self):
        return self.model_dump()


@functions_framework.typed(Order)
def order(given: Order):
    return given
