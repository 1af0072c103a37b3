from cloudevents.v1.sdk.converters.binary import *
