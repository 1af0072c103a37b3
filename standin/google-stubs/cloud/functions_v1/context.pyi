from ffhost.events.background import Context as Context
