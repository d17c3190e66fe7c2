/**
 * A thread that is open in this page: its view, its wire, and what can be done with it.
 *
 * One thread has one wire, however many places show it. Listeners are told at most every 50 ms.
 */

import { queryOf } from '../client/query';
import type { Place } from '../client/query';
import { reasonOf } from '../client/refusal';
import type { Command, ModelList, Rest, SentRequest, StoredFile } from '../client/rest';
import { openWire } from '../client/wire';
import type { Connection, Wire } from '../client/wire';
import { newId } from '../ids';
import { EventType } from '../protocol';
import type {
  ClientFrame,
  Content,
  Decision,
  NotebookAnswer,
  NotebookQuestion,
  Permission,
  SendOptions,
  ServerFrame
} from '../protocol';
import { itemsOf } from './along';
import type { Along } from './along';
import { Attachments } from './attachments';
import { NOTHING } from './drafts';
import type { Drafts } from './drafts';
import { beforeLaterFrame } from './frames';
import { foldNewest, foldPage, isWhole, joinsRead } from './lines';
import type { Page as PathPage } from './lines';
import { isModelCommand, modelOf } from './model';
import { decide, discard, dismiss, hear, look, say } from './reducer';
import { Lookout } from './obstacle';
import type { Obstacle } from './obstacle';
import { alongOf, leafOf, needsOlder, runningOf, textOf } from './turns';
import { EMPTY, TOO_LONG } from './view';
import type { Pending, View } from './view';

/** What a component shows of a thread. Replaced whenever something changes. */
export interface Shown {
  readonly view: View;
  readonly connection: Connection;
  /** How often it has been tried in vain to reach the server since it was lost. */
  readonly tries: number;
  /** What keeps it from being reached; `null` where nobody knows. */
  readonly obstacle?: Obstacle | null;
  /** What is written and not sent. */
  readonly draft: string;
  /** What goes along with it; none where it is absent. */
  readonly along?: readonly Along[];
  readonly isLoadingOlder: boolean;
  /** What lies in the thread's folder. */
  readonly files: readonly StoredFile[];
  /** The model that was chosen here; `undefined` where the path says which. */
  readonly model?: ChosenModel;
}

export interface ChosenModel {
  readonly id: string;
  readonly label: string;
}

const TOO_LONG_WORDS = 'This is too long to be sent; attach it as a file instead.';

/** Milliseconds between two tellings of listeners; more where frames are further apart. */
const TICK = 50;

/** What a thread asks of the server beside its wire. */
export type ThreadRest = Pick<
  Rest,
  | 'liveUrl'
  | 'obstacle'
  | 'messagesBefore'
  | 'files'
  | 'saveOut'
  | 'letRead'
  | 'restartKernel'
  | 'models'
  | 'holdKey'
  | 'forgetKey'
  | 'requests'
  | 'commands'
  | 'copyIn'
  | 'putFile'
  | 'putPiece'
>;

/** What a page gives its threads: the notebooks it has open, and what its person has set. */
export interface Page {
  /** Answers what the server asks of a notebook; `null` where no answer is expected. */
  readonly answer: (question: NotebookQuestion) => Promise<NotebookAnswer | null>;
  /** The person's own permissions for tools, by name. */
  readonly permissions: () => Readonly<Record<string, Permission>>;
}

/** Opens a wire for a thread; `openWire` over the server's websocket, but for tests. */
export type Connect = typeof openWire;

export class Thread {
  private shown: Shown = {
    view: EMPTY,
    connection: 'connecting',
    tries: 0,
    draft: '',
    isLoadingOlder: false,
    files: []
  };
  private told: Shown = this.shown;
  private readonly wire: Wire;
  private readonly lookout: Lookout;
  readonly attachments: Attachments;
  private readonly listeners = new Set<() => void>();
  /** Leaves the telling that is due undone; `null` where none is. */
  private untell: (() => void) | null = null;
  private lastTold = 0;
  private filesAsked = 0;
  /** What is to happen once a frame is met, or else once it is refused. */
  private readonly answers = new Map<string, { readonly met: () => void; readonly refused: () => void }>();

  /** What went along with messages of the composer that are not confirmed, by their ids. */
  private readonly submitted = new Map<string, readonly Along[]>();

  constructor(
    readonly id: string,
    readonly place: Place,
    private readonly rest: ThreadRest,
    connect: Connect = openWire,
    private readonly page: Page | null = null,
    private readonly drafts: Drafts | null = null
  ) {
    const { text, along, unconfirmed = [] } = drafts?.read(id) ?? NOTHING;
    this.shown = { ...this.shown, draft: text, along, view: { ...EMPTY, pending: unconfirmed } };
    this.told = this.shown;
    this.attachments = new Attachments(
      id,
      place,
      rest,
      along,
      now => this.writeDown({ along: now }),
      () => void this.loadFiles()
    );
    this.lookout = new Lookout(
      () => rest.obstacle(),
      () => this.wire.nudge()
    );
    const notebooks = page && 'true';
    this.wire = connect(after => rest.liveUrl(id) + queryOf({ ...place, after: String(after), notebooks }), {
      after: () => this.shown.view.seq,
      onFrame: frame => this.onFrame(frame),
      onConnection: (connection, tries) => void this.onConnection(connection, tries),
      onTooLong: frame => this.takeBack(frame)
    });
    unconfirmed.filter(each => each.state === 'sending').forEach(each => this.wire.send(frameOf(each)));
  }

  /** What is to be shown. The same object until listeners are told of another. */
  readonly snapshot = (): Shown => this.told;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Whether something runs or is not confirmed, as of this moment. */
  get isBusy(): boolean {
    const { view } = this.shown;
    return runningOf(view) !== null || view.pending.some(each => each.state === 'sending');
  }

  /** Sends a message; its words are shown at once, as pending. It follows what is on screen. */
  send(content: Content, options: SendOptions = {}, fallback: string | null = null, id = newId()): void {
    const { tip } = this.shown.view;
    const model = this.modelFor(content, fallback);
    const permissions = this.page?.permissions() ?? {};
    const placed = {
      ...(Object.keys(permissions).length > 0 && { permissions }),
      ...(model !== null && { model }),
      ...(tip !== null && { parentRunId: tip }),
      ...options,
      // The server says where files are; it is not told.
      ...(options.context && { context: options.context.map(item => ({ ...item, url: undefined })) })
    };
    const isPlain = Object.keys(placed).length === 0;
    this.ask({ kind: 'send', id, content, ...(!isPlain && { options: placed }) });
  }

  /** Sends what is written, with what goes along; both are gone from the composer then. */
  submit(text: string, fallback: string | null = null): void {
    const along = this.attachments.take();
    const context = itemsOf(along);
    this.writeDown({ draft: '' });
    const id = newId();
    this.submitted.set(id, along);
    this.send(text, context.length > 0 ? { context } : {}, fallback, id);
  }

  /** What can be typed after `/`. */
  commands(): Promise<readonly Command[]> {
    return this.rest.commands();
  }

  /** The model a message names: the one chosen here, else the path's, else `fallback`. */
  private modelFor(content: Content, fallback: string | null): string | null {
    if (typeof content === 'string' && isModelCommand(content)) {
      this.show({ model: undefined });
      return null;
    }
    const { model, view } = this.shown;
    if (model !== undefined) {
      return model.id || null;
    }
    const said = modelOf(view);
    return said.isCommanded ? null : (said.id ?? fallback);
  }

  /** Has the next messages answered by that model; the id "" leaves it to the server. */
  chooseModel(model: ChosenModel): void {
    this.show({ model });
    this.tell();
  }

  /** What can be chosen to answer. A key may have changed who does by default, which the chip then says. */
  async models(): Promise<ModelList> {
    const list = await this.rest.models();
    const { id, label } = list.default;
    this.show({
      view: { ...this.shown.view, agent: { id, label, kind: id === 'direct' ? 'none' : 'model' } }
    });
    return list;
  }

  async holdKey(provider: string, key: string): Promise<void> {
    await this.rest.holdKey(provider, key);
  }

  async forgetKey(provider: string): Promise<void> {
    await this.rest.forgetKey(provider);
  }

  /** What was sent to a provider in these runs, oldest first. */
  async requests(runIds: readonly string[]): Promise<readonly SentRequest[]> {
    const found = await Promise.all(runIds.map(runId => this.rest.requests(this.id, runId, this.place)));
    return found.flat();
  }

  /** Shows the branch through a run, and turns the thread to it unless it is busy. */
  look(runId: string): void {
    const { view } = this.shown;
    const tip = leafOf(view.runs, runId);
    const isRead = this.glance(runId);
    const mayTurn = !this.isBusy && view.queue.length === 0 && view.approvals.length === 0;
    if (!isRead || (mayTurn && tip !== view.head && !view.thread?.read_only)) {
      this.ask({ kind: 'head', id: newId(), runId });
    }
  }

  /** Shows the branch through a run, where that has been read; the thread does not change. Whether it is shown. */
  glance(runId: string): boolean {
    const { view } = this.shown;
    const tip = leafOf(view.runs, runId);
    const isRead = joinsRead(view, tip);
    if (isRead) {
      this.show({ view: look(view, tip) });
      this.tell();
    }
    return isRead;
  }

  /** Answers what a run asks, all of it at once: a decision for each question's id. */
  decide(runId: string, decisions: ReadonlyMap<string, Decision>): void {
    const answers = Array.from(decisions, ([interruptId, payload]) => ({
      interruptId,
      status: 'resolved' as const,
      payload
    }));
    this.ask({ kind: 'answer', id: newId(), runId, answers });
  }

  /** Sends a message that failed again, under its own id. */
  sendAgain(id: string): void {
    const failed = this.shown.view.pending.find(each => each.id === id);
    if (failed) {
      this.ask(frameOf(failed));
    }
  }

  /** Takes back a message that failed. */
  discard(id: string): void {
    this.show({ view: discard(this.shown.view, id) });
    this.keep();
  }

  /** Stops what runs and what waits. */
  cancel(): void {
    this.ask({ kind: 'cancel', id: newId() });
  }

  regenerate(messageId: string): void {
    this.ask({ kind: 'regenerate', id: newId(), messageId });
  }

  /** Takes back a message that waits. */
  withdraw(messageId: string): void {
    this.ask({ kind: 'withdraw', id: newId(), messageId });
  }

  /** Says a message that waits in other words, at the end of the queue. Has it begun, the words are kept as a draft. */
  rewrite(messageId: string, text: string): void {
    const id = newId();
    const waiting = this.shown.view.messages.get(messageId);
    const context = waiting ? alongOf(waiting.message) : [];
    this.answers.set(id, {
      met: () => this.send(text, context.length > 0 ? { context } : {}),
      refused: () => this.write([this.shown.draft, text].filter(Boolean).join('\n\n'))
    });
    this.ask({ kind: 'withdraw', id, messageId });
  }

  write(draft: string): void {
    const { draft: before, connection } = this.shown;
    if (draft !== '' && before === '' && connection === 'live') {
      this.wire.send({ kind: 'writing', id: newId() });
    }
    this.writeDown({ draft });
  }

  private writeDown(change: Pick<Partial<Shown>, 'draft' | 'along'>): void {
    this.show(change);
    this.keep();
    this.tell();
  }

  /** Keeps what is written, and what no server has confirmed, over the end of this page. */
  private keep(): void {
    const { draft: text, along = [], view } = this.shown;
    const unconfirmed = view.pending.filter(each => each.state !== 'sent');
    this.drafts?.write(this.id, { text, along, unconfirmed }, this.place.notebook ?? null, view.seq === 0);
  }

  dismissNotice(): void {
    this.show({ view: dismiss(this.shown.view) });
  }

  /** Tries to reach the server at once. */
  nudge(): void {
    this.wire.nudge();
  }

  /** Reads a page of older messages. */
  async loadOlder(): Promise<void> {
    const { view, isLoadingOlder } = this.shown;
    if (isLoadingOlder || !view.more) {
      return;
    }
    await this.readPage(view.oldest, page => {
      const folded = foldPage(this.shown.view, page);
      // A page that brings nothing older is the last: never ask for it again.
      return folded.oldest >= view.oldest ? { ...folded, more: false } : folded;
    });
  }

  /** Copies a file into the notebook's folder; the path it has there. */
  saveOut(path: string): Promise<string> {
    return this.rest.saveOut(this.id, path, this.place);
  }

  /** Lets its tools read the notebook's folder, or no longer. */
  letRead(isLet: boolean): Promise<void> {
    return this.rest.letRead(this.id, isLet, this.place);
  }

  /** Ends its Python; the next call begins with a fresh one. */
  restartKernel(): Promise<void> {
    return this.rest.restartKernel(this.id, this.place);
  }

  close(): void {
    this.untell?.();
    this.listeners.clear();
    this.attachments.close();
    this.wire.close();
  }

  private async readPage(before: number, fold: (page: PathPage) => View): Promise<void> {
    this.show({ isLoadingOlder: true });
    try {
      const page = await this.rest.messagesBefore(this.id, before, this.place);
      this.show({ view: fold(page) });
    } catch (error) {
      const message = reasonOf(error);
      this.show({ view: { ...this.shown.view, notice: { code: 'older', message } } });
    } finally {
      this.show({ isLoadingOlder: false });
    }
  }

  private ask(frame: ClientFrame): void {
    if (frame.kind === 'send' || frame.kind === 'answer') {
      const { view } = this.shown;
      this.show({ view: frame.kind === 'send' ? say(view, frame) : decide(view, frame) });
      this.keep();
      this.tell();
    }
    this.wire.send(frame);
  }

  /** Answers what the server asks of a notebook that may be open here. */
  private async answer(question: NotebookQuestion): Promise<void> {
    try {
      const value = await this.page?.answer(question);
      if (value) {
        this.wire.send({ kind: 'notebook', id: question.id, value });
      }
    } catch (error) {
      const { code } = { code: 'error', ...(error as { code?: string }) };
      this.wire.send({ kind: 'notebook', id: question.id, error: { code, message: reasonOf(error) } });
    }
  }

  private async onConnection(connection: Connection, tries: number): Promise<void> {
    const isLost = connection === 'offline';
    this.show({ connection, tries, ...(!isLost && { obstacle: null }) });
    const obstacle = isLost ? await this.lookout.find(tries) : null;
    if (isLost && this.shown.connection === 'offline') {
      this.show({ obstacle });
    }
  }

  private onFrame(frame: ServerFrame): void {
    if (frame.kind === 'event' && frame.event.type === EventType.CUSTOM && frame.event.name === 'notebook') {
      void this.answer(frame.event.value);
      return;
    }
    const before = this.shown.view;
    this.show({ view: hear(before, frame) });
    const { view } = this.shown;
    if (before.pending.length > 0 && view.pending !== before.pending) {
      this.keep();
    }
    if (turnsAway(frame) && before.thread !== null && !isWhole(view)) {
      // What has been read lies on another branch, so there may be gaps: this one is read from its end.
      void this.readPage(0, page => foldNewest(this.shown.view, page));
    } else if (frame.kind === 'hello' && needsOlder(view)) {
      void this.loadOlder();
    }
    if (frame.kind === 'ack' || frame.kind === 'nack') {
      this.settle(frame.id ?? '', frame.kind === 'ack');
    }
    if (changesFiles(frame)) {
      void this.loadFiles();
    }
  }

  /**
   * A frame that the server would break the connection over is refused here. What the composer sent goes back to it,
   * with what went along.
   */
  private takeBack(frame: ClientFrame): void {
    if (frame.kind === 'notebook') {
      const error = { code: 'malformed', message: 'The notebook’s answer is too long to be sent.' };
      this.wire.send({ kind: 'notebook', id: frame.id, error });
      return;
    }
    const along = this.submitted.get(frame.id);
    this.onFrame({ kind: 'nack', id: frame.id, code: TOO_LONG, message: TOO_LONG_WORDS });
    if (frame.kind === 'send' && along) {
      const notice = { code: TOO_LONG, message: TOO_LONG_WORDS };
      this.show({ view: { ...discard(this.shown.view, frame.id), notice } });
      this.attachments.giveBack(along);
      this.writeDown({ draft: [textOf(frame.content), this.shown.draft].filter(Boolean).join('\n\n') });
    }
  }

  private settle(id: string, isMet: boolean): void {
    this.submitted.delete(id);
    const answer = this.answers.get(id);
    this.answers.delete(id);
    (isMet ? answer?.met : answer?.refused)?.();
  }

  /** Reads what lies in the thread's folder. Nothing is said where that fails: the next run asks again. */
  private async loadFiles(): Promise<void> {
    const question = ++this.filesAsked;
    try {
      const files = await this.rest.files(this.id, this.place);
      if (question === this.filesAsked) {
        this.show({ files });
      }
    } catch {
      // The list stays as it was.
    }
  }

  private show(change: Partial<Shown>): void {
    this.shown = { ...this.shown, ...change };
    const wait = Math.max(0, this.lastTold + TICK - Date.now());
    this.untell ??= beforeLaterFrame(wait, () => this.tell());
  }

  private tell(): void {
    this.untell?.();
    this.untell = null;
    this.lastTold = Date.now();
    this.told = this.shown;
    this.listeners.forEach(listener => listener());
  }
}

/** The frame that sends a message, or sends it again. */
function frameOf({ id, content, options }: Pending): ClientFrame {
  return { kind: 'send', id, content, ...(options && { options }) };
}

/** Whether a frame tells that the thread has turned to another branch. */
function turnsAway(frame: ServerFrame): boolean {
  if (frame.kind === 'hello') {
    return frame.lines.some(line => line.type === 'head');
  }
  return (
    frame.kind === 'event' &&
    frame.event.type === EventType.CUSTOM &&
    frame.event.name === 'line' &&
    frame.event.value.type === 'head'
  );
}

/** Whether a frame may mean that there are other files than before: a thread is opened, or a run has ended. */
function changesFiles(frame: ServerFrame): boolean {
  if (frame.kind === 'hello') {
    return frame.seq > 0;
  }
  return (
    frame.kind === 'event' &&
    frame.event.type === EventType.CUSTOM &&
    frame.event.name === 'line' &&
    frame.event.value.type === 'run'
  );
}
