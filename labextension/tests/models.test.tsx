// @vitest-environment jsdom
/** Who answers: what a thread's path says, what a person chooses, keys that are typed, what was sent. */

import { cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { actions, show, shownIn } from './host';
import type { ModelList, Rest } from '../src/client/rest';
import { ModelChoice } from '../src/components/ModelChoice';
import { Requests } from '../src/components/Requests';
import type { ClientFrame } from '../src/protocol';
import { modelOf } from '../src/store/model';
import { hear } from '../src/store/reducer';
import { Thread } from '../src/store/thread';
import { EMPTY } from '../src/store/view';
import type { View } from '../src/store/view';
import { Server } from './server';

afterEach(cleanup);

/** A thread with these questions, each put to a model or to the server's choice. */
function asked(questions: readonly (readonly [string, string | null])[], finish?: 'length'): Server {
  const server = new Server();
  questions.forEach(([content, model], index) => {
    const run = `r${index}`;
    const parent = index === 0 ? null : `r${index - 1}`;
    server.line({ type: 'message', message: { id: `q${index}`, role: 'user', content }, run_id: run });
    server.line({ type: 'start', run_id: run, message_id: `q${index}`, parent_run_id: parent, model });
    server.line({
      type: 'message',
      run_id: run,
      message: {
        id: `a${index}`,
        role: 'assistant',
        content: 'words',
        metadata: { jupyter: { model: model ?? 'openai:m', reasoning: 'so I thought', finish } }
      }
    });
    server.line({ type: 'run', run_id: run, outcome: 'success' });
  });
  return server;
}

const viewOf = (...questions: readonly (readonly [string, string | null])[]): View =>
  hear(EMPTY, asked(questions).hello());

test.each([
  [[], null, false],
  [[['go', null]], null, false],
  [
    [
      ['go', 'openai:a'],
      ['on', null]
    ],
    'openai:a',
    false
  ],
  [
    [
      ['go', 'openai:a'],
      ['/model groq:b', null]
    ],
    'groq:b',
    true
  ],
  [
    [
      ['go', 'openai:a'],
      ['/model default', null],
      ['on', null]
    ],
    null,
    true
  ],
  [
    [
      ['/model groq:b', null],
      ['go', 'openai:a']
    ],
    'openai:a',
    false
  ],
  [
    [
      ['go', 'openai:a'],
      ['/model', 'openai:x']
    ],
    'openai:a',
    false
  ]
] as const)('the path %j says that %s answers', (questions, id, isCommanded) => {
  expect(modelOf(viewOf(...questions))).toEqual({ id, isCommanded });
});

describe('a thread', () => {
  const opened = (...questions: readonly (readonly [string, string | null])[]) => {
    const sent: ClientFrame[] = [];
    const thread = new Thread(
      't',
      {},
      { liveUrl: () => '', files: async () => [] } as unknown as Rest,
      (_, told) => {
        queueMicrotask(() => told.onFrame(asked(questions).hello()));
        return { send: frame => sent.push(frame), close: () => undefined, nudge: () => undefined };
      }
    );
    const model = () =>
      sent.map(each => (each.kind === 'send' ? (each.options?.model ?? null) : undefined)).at(-1);
    return { thread, model };
  };

  test('asks the model that was chosen, until a command says otherwise', async () => {
    const { thread, model } = opened();
    await Promise.resolve();
    thread.send('go', {}, 'setting:m');
    expect(model()).toBe('setting:m');
    thread.chooseModel({ id: 'openai:a', label: 'A' });
    thread.send('go', {}, 'setting:m');
    expect(model()).toBe('openai:a');
    thread.chooseModel({ id: '', label: 'As the server chooses' });
    thread.send('go', {}, 'setting:m');
    expect(model()).toBeNull();
    thread.chooseModel({ id: 'openai:a', label: 'A' });
    thread.send('/model groq:b');
    expect(model()).toBeNull();
    expect(thread.snapshot().model).toBeUndefined();
  });

  test('goes on with the model it had before the page was loaded', async () => {
    const { thread, model } = opened(['go', 'openai:a']);
    await Promise.resolve();
    thread.send('on', {}, 'setting:m');
    expect(model()).toBe('openai:a');
  });
});

const LIST: ModelList = {
  models: [
    { id: 'openai:m', label: 'm via OpenAI', why: 'key', trusted: true },
    { id: 'vllm:x', label: 'x via vLLM', why: 'found', trusted: false }
  ],
  default: { id: 'openai:m', label: 'm via OpenAI', why: 'key' },
  providers: [
    {
      name: 'openai',
      title: 'OpenAI',
      set: false,
      source: null,
      needs_key: true,
      variable: 'OPENAI_API_KEY',
      model: 'openai:m',
      install: ''
    }
  ]
};

describe('choosing', () => {
  test('offers what there is, says what may be another’s, and takes any id', async () => {
    const onChoose = vi.fn();
    render(
      shownIn(
        <ModelChoice
          load={async () => LIST}
          current=""
          onChoose={onChoose}
          onKey={vi.fn()}
          onForget={vi.fn()}
        />
      )
    );
    await userEvent.click(await screen.findByRole('radio', { name: /x via vLLM/ }));
    expect(onChoose).toHaveBeenLastCalledWith({ id: 'vllm:x', label: 'x via vLLM' });
    expect(screen.getByRole('note').textContent).toContain('another user’s');
    await userEvent.type(screen.getByRole('textbox'), 'groq:b');
    expect(onChoose).toHaveBeenLastCalledWith({ id: 'groq:b', label: 'groq:b' });
    await userEvent.click(screen.getByRole('radio', { name: /As the server chooses/ }));
    expect(onChoose).toHaveBeenLastCalledWith({ id: '', label: 'm via OpenAI' });
  });

  test.each([
    ['', /As the server chooses/, ''],
    ['vllm:x', /x via vLLM/, ''],
    ['groq:b', null, 'groq:b']
  ])('begins with who answers now: %j', async (current, name, typed) => {
    const acts = { onChoose: vi.fn(), onKey: vi.fn(), onForget: vi.fn() };
    render(shownIn(<ModelChoice load={async () => LIST} current={current} {...acts} />));
    const radios = await screen.findAllByRole<HTMLInputElement>('radio');
    const checked = radios.filter(radio => radio.checked);
    expect(checked).toEqual([name ? screen.getByRole('radio', { name }) : radios.at(-1)]);
    expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe(typed);
    expect(acts.onChoose).not.toHaveBeenCalled();
  });

  test('a typed key is handed on once and stays nowhere on the page', async () => {
    const onKey = vi.fn(async () => undefined);
    const { container } = render(
      shownIn(
        <ModelChoice load={async () => LIST} current="" onChoose={vi.fn()} onKey={onKey} onForget={vi.fn()} />
      )
    );
    await userEvent.click(await screen.findByText('API keys'));
    const field = screen.getByLabelText<HTMLInputElement>('API key of OpenAI');
    expect(field.type).toBe('password');
    await userEvent.type(field, 'sk-secret{Enter}');
    expect(onKey).toHaveBeenCalledExactlyOnceWith('openai', 'sk-secret');
    await waitFor(() => expect(field.value).toBe(''));
    expect(container.innerHTML).not.toContain('sk-secret');
  });
});

test('what was sent is shown request by request, with nothing lost', async () => {
  const messages = [
    { role: 'system', content: 'S' },
    { role: 'user', content: 'go' }
  ];
  const load = async () => [{ sent: 1, body: { model: 'm', messages, tools: [{}] } }];
  const { container } = render(shownIn(<Requests load={load} />));
  await screen.findByText(/Request 1 of 1/);
  expect(JSON.parse([...container.querySelectorAll('pre')].at(-1)?.textContent ?? '')).toEqual({
    model: 'm',
    messages,
    tools: [{}]
  });
});

test('an answer cut at its length says so and can be continued; its thoughts are still there', async () => {
  render(show(hear(EMPTY, asked([['go', 'openai:m']], 'length').hello())));
  expect(screen.getByText(/The answer is cut off/)).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Continue' }));
  expect(actions.send).toHaveBeenCalledWith('Please continue.');
  expect(screen.getByText('so I thought')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'What was sent to the model' }));
  expect(actions.showRequests).toHaveBeenCalledWith(['r0']);
  await userEvent.click(screen.getByRole('button', { name: 'openai:m answers; choose who does' }));
  expect(actions.chooseModel).toHaveBeenCalled();
});
