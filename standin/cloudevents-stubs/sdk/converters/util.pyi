from cloudevents.v1.sdk.converters.util import *
