from cloudevents.v1.http.conversion import *
