from cloudevents.v1.conversion import *
