from cloudevents.v1.sdk.event.base import *
