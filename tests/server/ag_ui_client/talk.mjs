// Talks with a thread as a page would, by `@ag-ui/client`; tells on stdout, one JSON value a line, what came of it.
import { HttpAgent } from "@ag-ui/client";
import { createInterface } from "node:readline/promises";

const [url, token, threadId] = process.argv.slice(2);
const agent = new HttpAgent({ url, threadId, headers: { Authorization: `token ${token}` } });
const told = value => process.stdout.write(JSON.stringify(value) + "\n");

const steps = {
  async say({ content, tools }) {
    agent.addMessage({ id: crypto.randomUUID(), role: "user", content });
    return run({ tools });
  },
  async answer({ payload }) {
    const resume = agent.pendingInterrupts.map(each => ({ interruptId: each.id, status: "resolved", payload }));
    return run({ resume });
  },
  async give({ toolCallId, content, tools }) {
    agent.addMessage({ id: crypto.randomUUID(), role: "tool", toolCallId, content });
    return run({ tools });
  },
  async leave({ content }) {
    agent.addMessage({ id: crypto.randomUUID(), role: "user", content });
    const leaving = { onTextMessageContentEvent: () => agent.abortRun() };
    await agent.runAgent({}, leaving).catch(() => undefined);
    return { messages: agent.messages };
  },
};

async function run(parameters) {
  const types = [];
  const { newMessages } = await agent.runAgent(parameters, { onEvent: ({ event }) => void types.push(event.type) });
  return { types, newMessages, messages: agent.messages, interrupts: agent.pendingInterrupts };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { step, ...more } = JSON.parse(line);
  try {
    told(await steps[step](more));
  } catch (error) {
    told({ error: String(error) });
  }
}
