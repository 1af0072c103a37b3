from cloudevents.v1.sdk import *
