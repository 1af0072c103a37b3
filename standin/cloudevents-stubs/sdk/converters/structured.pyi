from cloudevents.v1.sdk.converters.structured import *
