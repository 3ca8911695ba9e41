"""Every proxy with real clients, without stickiness, with a worker that dies, and set up in the wrong way."""
