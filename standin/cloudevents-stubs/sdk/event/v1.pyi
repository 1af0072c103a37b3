from cloudevents.v1.sdk.event.v1 import *
