from cloudevents.v1.sdk.marshaller import *
