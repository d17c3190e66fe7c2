"""A client of `mcp` 1.x, in a process with packages of its own: says what it was told, as one line of JSON."""

import asyncio
import json
import sys

from mcp import ClientSession, McpError, types
from mcp.client.streamable_http import streamablehttp_client


def text(result: types.CallToolResult) -> str:
    return "\n".join(each.text for each in result.content if each.type == "text")


async def talk(url: str, token: str) -> dict[str, object]:
    about = types.Implementation(name="an older program", version="1")
    async with (
        streamablehttp_client(url, headers={"Authorization": f"token {token}"}) as (read, write, session_id),
        ClientSession(read, write, client_info=about) as session,
    ):
        begun = await session.initialize()
        await session.send_ping()
        tools = (await session.list_tools()).tools
        kept = await session.call_tool("run_python", {"code": "x = 40"})
        progress: list[str | None] = []

        async def hear(done: float, total: float | None, message: str | None) -> None:
            progress.append(message)

        code = "import time; print('begun', flush=True); time.sleep(2); open('a.txt', 'w').write('hi'); print(x + 2)"
        ran = await session.call_tool("run_python", {"code": code}, progress_callback=hear)
        failed = await session.call_tool("run_python", {"code": "1 / 0"})
        try:
            await session.list_prompts()
        except McpError as refused:
            refusal = refused.error.code
        return {
            "version": begun.protocolVersion,
            "session": session_id(),
            "tools": {each.name: each.annotations.readOnlyHint for each in tools if each.annotations},
            "kept": kept.isError,
            "progress": progress,
            "said": text(ran),
            "links": [str(each.uri) for each in ran.content if each.type == "resource_link"],
            "failed": failed.isError,
            "refusal": refusal,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(talk(*sys.argv[1:]))))
