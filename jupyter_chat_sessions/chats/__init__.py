"""The chats of one place put together: threads on disk, sessions, agents, tools, kernels. With a server or without."""
