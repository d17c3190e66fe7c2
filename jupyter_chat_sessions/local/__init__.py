"""The same chats without a server: in plain IPython, VS Code, papermill, nbconvert. Composition only."""
