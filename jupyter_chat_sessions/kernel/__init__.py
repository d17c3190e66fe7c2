"""The notebook's doors: what a kernel offers of a chat. Never the server's code."""
