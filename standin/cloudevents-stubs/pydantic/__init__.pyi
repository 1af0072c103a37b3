from cloudevents.v1.pydantic import *
