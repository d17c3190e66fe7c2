"""The AG-UI door, `{base}/chat-sessions/ag-ui`: a thread for CopilotKit, assistant-ui and whatever speaks AG-UI 1.0.

`doors` is loaded with the server, the rest at the first request. A request is read (`bodies`), what is new in it is
said (`running`), and the run that answers it is told as AG-UI events (`telling`). The run goes on without its client.
"""
