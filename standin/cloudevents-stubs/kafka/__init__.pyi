from cloudevents.v1.kafka import *
