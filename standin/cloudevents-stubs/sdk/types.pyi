from cloudevents.v1.sdk.types import *
