from cloudevents.v1.sdk.event.attribute import *
