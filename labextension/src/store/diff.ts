/** What changes between two texts, line by line: the fewest lines that go and come. */

export interface DiffLine {
  readonly kind: 'same' | 'gone' | 'new';
  readonly text: string;
}

/** More pairs of lines than this are not compared one by one; all of the one then goes, all of the other comes. */
const MOST_PAIRS = 4_000_000;

export function diffOf(before: string, after: string): readonly DiffLine[] {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < fresh.length - head &&
    old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]
  ) {
    tail += 1;
  }
  return [
    ...all('same', old.slice(0, head)),
    ...between(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail)),
    ...all('same', old.slice(old.length - tail))
  ];
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}

function all(kind: DiffLine['kind'], lines: readonly string[]): readonly DiffLine[] {
  return lines.map(text => ({ kind, text }));
}

/** By the longest common subsequence: `length[i][j]` is that of the lines from `i` and `j` on. */
function between(old: readonly string[], fresh: readonly string[]): readonly DiffLine[] {
  if (old.length * fresh.length > MOST_PAIRS) {
    return [...all('gone', old), ...all('new', fresh)];
  }
  const length = Array.from({ length: old.length + 1 }, () => new Uint32Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      length[i][j] =
        old[i] === fresh[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const diff: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      diff.push({ kind: 'same', text: old[i] });
      i += 1;
      j += 1;
    } else if (j >= fresh.length || (i < old.length && length[i + 1][j] >= length[i][j + 1])) {
      diff.push({ kind: 'gone', text: old[i] });
      i += 1;
    } else {
      diff.push({ kind: 'new', text: fresh[j] });
      j += 1;
    }
  }
  return diff;
}
