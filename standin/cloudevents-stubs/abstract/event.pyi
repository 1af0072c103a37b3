from cloudevents.v1.abstract.event import *
