from cloudevents.v1.sdk.event.v03 import *
