"""What tests of several folders share. Asynchronous tests run in pytest-jupyter's loop, which their server lives in;
those that share a kernel over a module are marked for pytest-asyncio."""

pytest_plugins = ["pytest_jupyter.jupyter_server"]
