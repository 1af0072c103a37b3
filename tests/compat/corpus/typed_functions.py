"""Functions over types of their own."""

import functions_framework


class Order:
    def __init__(self, item, count):
        self.item = item
        self.count = count

    @staticmethod
    def from_dict(values):
        return Order(values["item"], values.get("count", 1))

    def to_dict(self):
        return {"item": self.item, "count": self.count}


@functions_framework.typed
def doubled(order: Order):
    return Order(order.item, order.count * 2)


@functions_framework.typed(Order)
def named(order):
    return Order(order.item.upper(), order.count)


@functions_framework.typed
def to_text(order: Order):
    return f"{order.count} x {order.item}"


@functions_framework.typed
def to_dictionary(order: Order):
    return {"order": order.to_dict()}


@functions_framework.typed
def to_rows(order: Order):
    return [order.item] * order.count


@functions_framework.typed
def to_nothing(order: Order):
    return None


@functions_framework.typed
def with_status(order: Order):
    return "made", 201


@functions_framework.typed
def crash(order: Order):
    raise RuntimeError("a secret of the function")
