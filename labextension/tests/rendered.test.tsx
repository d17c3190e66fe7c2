// @vitest-environment jsdom
import { host, shownIn } from './host';

import { RenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import { act, cleanup, render } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Rendered } from '../src/markdown/Rendered';

const SLOW = 'text/x-slow';

describe('Data that grows', () => {
  let now = 0;
  let shown: unknown[] = [];

  /** Renderers by which each rendering takes so many milliseconds. */
  const taking = (milliseconds: number): RenderMimeRegistry => {
    const rendermime = new RenderMimeRegistry();
    rendermime.addFactory({
      safe: true,
      mimeTypes: [SLOW],
      createRenderer: () =>
        Object.assign(new Widget(), {
          renderModel: async (model: { readonly data: Readonly<Record<string, unknown>> }) => {
            now += milliseconds;
            shown.push(model.data[SLOW]);
          }
        })
    });
    return rendermime;
  };

  /** Shows a hundred values, one every 10 ms. */
  const grow = async (milliseconds: number): Promise<void> => {
    const within = { ...host, rendermime: taking(milliseconds) };
    const { rerender } = render(shownIn(<Rendered mimeType={SLOW} value={0} />, within));
    for (let value = 1; value < 100; value += 1) {
      await act(() => vi.advanceTimersByTimeAsync(10));
      rerender(shownIn(<Rendered mimeType={SLOW} value={value} />, within));
    }
  };

  beforeEach(() => {
    now = 0;
    shown = [];
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    vi.spyOn(performance, 'now').mockImplementation(() => now);
  });

  afterEach(() => {
    cleanup();
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  test('is rendered each time where that is quick', async () => {
    await grow(1);
    await act(() => vi.advanceTimersByTimeAsync(0));
    expect(shown).toEqual(Array.from({ length: 100 }, (_, value) => value));
  });

  test('is rendered less often the longer it takes, and the last of it always', async () => {
    await grow(20);
    expect(shown.length).toBeLessThan(6);
    await act(() => vi.advanceTimersByTimeAsync(500));
    expect(shown.at(-1)).toBe(99);
    expect(shown.length).toBeLessThan(7);
  });
});
