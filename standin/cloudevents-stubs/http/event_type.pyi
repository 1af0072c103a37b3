from cloudevents.v1.http.event_type import *
