from cloudevents.v1.exceptions import *
