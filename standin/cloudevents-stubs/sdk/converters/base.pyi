from cloudevents.v1.sdk.converters.base import *
