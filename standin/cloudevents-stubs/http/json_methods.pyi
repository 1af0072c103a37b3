from cloudevents.v1.http.json_methods import *
