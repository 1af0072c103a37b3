from ffhost.loading.compat.framework import *
