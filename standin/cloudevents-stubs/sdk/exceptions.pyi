from cloudevents.v1.sdk.exceptions import *
