from ffhost.loading.compat.framework._cli import *
