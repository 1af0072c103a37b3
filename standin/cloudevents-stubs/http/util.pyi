from cloudevents.v1.http.util import *
