from cloudevents.v1.http.event import *
