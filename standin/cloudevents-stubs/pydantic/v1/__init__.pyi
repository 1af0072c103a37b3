from cloudevents.v1.pydantic.v1 import *
