"""A typed function whose types know how they are read and written."""

import functions_framework


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    @staticmethod
    def from_dict(value):
        return Point(value["x"], value["y"])

    def to_dict(self):
        return {"x": self.x, "y": self.y}


@functions_framework.typed(Point)
def mirrored(point):
    return Point(point.y, point.x)


@functions_framework.typed
def length(point: Point):
    return f"{(point.x**2 + point.y**2) ** 0.5}"
