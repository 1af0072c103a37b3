from dataclasses import dataclass

import functions_framework


@dataclass
class Item:
    name: str

    @staticmethod
    def from_dict(given):
        return Item(**given)

    def to_dict(self):
        return {"name": self.name}


@functions_framework.typed(Item)
def quote(item):
    return item
