from cloudevents.v1.sdk.event import *
