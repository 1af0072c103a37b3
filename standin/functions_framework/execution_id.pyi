from ffhost.loading.compat.framework.execution_id import *
