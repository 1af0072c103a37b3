from cloudevents.v1.pydantic.v1.conversion import *
