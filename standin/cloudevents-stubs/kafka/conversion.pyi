from cloudevents.v1.kafka.conversion import *
