from ffhost.loading.compat.framework.exceptions import *
