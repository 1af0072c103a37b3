from cloudevents.v1.sdk.converters import *
