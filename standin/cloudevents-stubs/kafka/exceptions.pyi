from cloudevents.v1.kafka.exceptions import *
