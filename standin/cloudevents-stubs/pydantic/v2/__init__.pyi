from cloudevents.v1.pydantic.v2 import *
