from cloudevents.v1.http.http_methods import *
