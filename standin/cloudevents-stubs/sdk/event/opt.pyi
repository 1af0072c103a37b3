from cloudevents.v1.sdk.event.opt import *
