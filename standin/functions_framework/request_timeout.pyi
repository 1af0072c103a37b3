from ffhost.loading.compat.framework.request_timeout import *
