from ffhost.loading.compat.framework.background_event import *
