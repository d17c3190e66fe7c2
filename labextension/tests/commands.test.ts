// @vitest-environment jsdom
import { host } from './host';

import { CommandRegistry } from '@lumino/commands';
import { expect, test, vi } from 'vitest';

import { addCommands } from '../src/lab/commands';
import type { CommandParts } from '../src/lab/commands';
import { COMMANDS } from '../src/lab/names';
import { hear } from '../src/store/reducer';
import { EMPTY } from '../src/store/view';
import { Server } from './server';

test('an answer that waits for a decision can be stopped as one that is being made', async () => {
  const commands = new CommandRegistry();
  let view = hear(EMPTY, new Server().hello());
  const cancel = vi.fn();
  const thread = { snapshot: () => ({ view }), isBusy: false, cancel };
  const parts = { app: { commands }, sessions: { host }, desk: { value: { thread } } };
  addCommands({ ...parts, palette: null } as unknown as CommandParts);
  expect(commands.isEnabled(COMMANDS.stop)).toBe(false);
  const server = new Server();
  server.ask('q', 'r');
  server.start('q', 'r', null);
  server.askPerson('a', ['rm()']);
  view = hear(EMPTY, server.hello());
  expect(commands.isEnabled(COMMANDS.stop)).toBe(true);
  await commands.execute(COMMANDS.stop);
  expect(cancel).toHaveBeenCalledOnce();
});
