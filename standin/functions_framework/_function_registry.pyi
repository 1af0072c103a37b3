from ffhost.loading.compat.framework._function_registry import *
