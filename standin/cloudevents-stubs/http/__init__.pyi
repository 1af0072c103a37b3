from cloudevents.v1.http import *
