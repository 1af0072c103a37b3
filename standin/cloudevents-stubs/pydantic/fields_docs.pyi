from cloudevents.v1.pydantic.fields_docs import *
