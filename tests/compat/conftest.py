"""Nothing is collected from the projects: their tests run as their users would run them."""

collect_ignore = ["projects"]
