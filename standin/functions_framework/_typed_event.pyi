from ffhost.loading.compat.framework._typed_event import *
