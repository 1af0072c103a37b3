from ffhost.loading.compat.framework.aio import *
