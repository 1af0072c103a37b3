from cloudevents.v1.abstract import *
