from ffhost.loading.compat.framework.event_conversion import *
