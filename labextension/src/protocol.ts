/**
 * The wire, as docs/wire.md has it: frames and transcript lines.
 *
 * Types only, but for `EventType`: AG-UI's event names come from its own package.
 */

import { EventType } from '@ag-ui/core';
import type {
  AssistantMessage as AgUiAssistantMessage,
  Interrupt,
  ReasoningMessage,
  ReasoningMessageContentEvent,
  ReasoningMessageEndEvent,
  ReasoningMessageStartEvent,
  ResumeEntry,
  RunErrorEvent,
  RunFinishedEvent,
  RunStartedEvent,
  SystemMessage,
  TextMessageContentEvent,
  TextMessageEndEvent,
  TextMessageStartEvent,
  ToolCall,
  ToolCallArgsEvent,
  ToolCallEndEvent,
  ToolCallResultEvent,
  ToolCallStartEvent,
  ToolMessage as AgUiToolMessage,
  UserMessage
} from '@ag-ui/core';

export { EventType };
export type { ResumeEntry, ToolCall, UserMessage };

// --- outputs and files ------------------------------------------------------------------------------------------

/** How far the operating system keeps a tool inside its folder. */
export type Level = 'isolated' | 'confined' | 'unconfined';

/** Text as nbformat keeps it: whole, or in lines. */
export type Multiline = string | readonly string[];

export interface StreamOutput {
  readonly output_type: 'stream';
  readonly name: string;
  readonly text: Multiline;
}

export interface DataOutput {
  readonly output_type: 'display_data' | 'execute_result' | 'update_display_data';
  readonly data: Readonly<Record<string, unknown>>;
  /** `artifact`: the path of the file that stands for the output's image; `url` its address, while it is news. */
  readonly metadata?: { readonly artifact?: string; readonly url?: string } & Readonly<
    Record<string, unknown>
  >;
}

export interface ErrorOutput {
  readonly output_type: 'error';
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** An nbformat output. */
export type Output = StreamOutput | DataOutput | ErrorOutput;

/** A file a tool left in the thread's folder. `url` is used as the server gave it. */
export interface Artifact {
  readonly path: string;
  readonly size: number;
  readonly media_type: string;
  readonly url?: string;
}

// --- what a person is asked -------------------------------------------------------------------------------------

/** A tool call that needs a person's word. */
export type Question = Interrupt & {
  readonly tool?: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly level?: Level;
  /** Whether allowing it for the whole thread would help the next time. */
  readonly always?: boolean;
  /** Whether it was a visitor's message that led to it. */
  readonly visitor?: boolean;
  /** What is shown beside the arguments: the code that would run, or what would change. */
  readonly shown?: {
    readonly code?: string;
    readonly language?: string;
    readonly diff?: string;
    readonly path?: string;
    readonly cell_id?: string;
  };
};

/** A person's word on one call. `always`: for this tool in this thread from now on. */
export interface Decision {
  readonly approve: boolean;
  readonly always?: boolean;
  /** What is to run instead of what was written. */
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly note?: string;
  /** What the person answers, where the tool asks them something. */
  readonly answer?: string;
}

// --- messages ---------------------------------------------------------------------------------------------------

/** What a tool message keeps for its card. */
export interface ToolRecord {
  readonly level?: Level;
  readonly kernel?: { readonly epoch: number; readonly fresh: boolean; readonly reason?: string };
  readonly outputs?: readonly Output[];
  readonly artifacts?: readonly Artifact[];
  readonly duration_ms?: number;
  /** What a change took out and put in. */
  readonly diff?: string;
  readonly cell_id?: string;
  /** Why a call has not run. */
  readonly code?: 'denied_by_person' | 'denied_by_rule' | 'not_chosen' | 'nobody_there';
  /** What a person who allowed the call let run instead of what was written. */
  readonly edited_arguments?: Readonly<Record<string, unknown>>;
}

export type ToolMessage = Omit<AgUiToolMessage, 'metadata'> & {
  readonly metadata?: { readonly jupyter?: ToolRecord };
};

/** Who said a message, and how it ended. */
export interface AnswerRecord {
  readonly author?: string;
  /** The model, by its id; none where no model answered. */
  readonly model?: string;
  readonly reasoning?: string;
  /** Why it was cut short; none where its author had said all. */
  readonly finish?: 'length' | 'content_filter';
}

export type AssistantMessage = Omit<AgUiAssistantMessage, 'metadata'> & {
  readonly metadata?: { readonly jupyter?: AnswerRecord };
};

export type Message = Readonly<
  UserMessage | AssistantMessage | ToolMessage | ReasoningMessage | SystemMessage
>;

/** A message's words: a string, or parts of which some are text. */
export type Content = UserMessage['content'];

// --- transcript lines -------------------------------------------------------------------------------------------

export type Outcome = 'success' | 'cancelled' | 'error' | 'interrupted' | 'waiting';

interface Numbered {
  readonly seq: number;
  readonly created: string;
}

export interface MessageLine extends Numbered {
  readonly type: 'message';
  readonly message: Message;
  readonly run_id?: string | null;
}

export interface StartLine extends Numbered {
  readonly type: 'start';
  readonly run_id: string;
  readonly message_id: string;
  /** `"head"` in transcripts of the older layout: whatever the head is when the line is read. */
  readonly parent_run_id: string | null;
  readonly model?: string | null;
}

/** Tokens of a run, as the provider counted them. */
export interface Usage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  /** What its last request and the answer to it held: how full the model's memory is. */
  readonly context_tokens?: number;
  /** How much fits: what the model can hold, or less where conversations are cut to less. */
  readonly context_limit?: number;
  /** In US dollars, where the provider says it. */
  readonly cost?: number;
}

export interface RunLine extends Numbered {
  readonly type: 'run';
  readonly run_id: string;
  readonly outcome: Outcome;
  readonly usage?: Usage | null;
  readonly error?: { readonly code: string; readonly message: string } | null;
}

export interface WithdrawnLine extends Numbered {
  readonly type: 'withdrawn';
  readonly message_id: string;
}

export interface HeadLine extends Numbered {
  readonly type: 'head';
  readonly run_id: string | null;
}

export interface TitleLine extends Numbered {
  readonly type: 'title';
  readonly title: string;
}

export interface NotebookLine extends Numbered {
  readonly type: 'notebook';
  readonly notebook: string | null;
}

export interface ApprovalLine extends Numbered {
  readonly type: 'approval';
  readonly run_id: string;
  readonly interrupts: readonly Question[];
}

export interface AnswerLine extends Numbered {
  readonly type: 'answer';
  readonly run_id: string;
  readonly answers: readonly ResumeEntry[];
}

/** Lines that change nothing on screen. Types of a later version come as they are and are passed over, too. */
export interface QuietLine extends Numbered {
  readonly type: 'cancel' | 'copied' | 'deleted' | 'restored';
}

export type Line =
  | MessageLine
  | StartLine
  | RunLine
  | WithdrawnLine
  | HeadLine
  | TitleLine
  | NotebookLine
  | ApprovalLine
  | AnswerLine
  | QuietLine;

// --- frames from the server -------------------------------------------------------------------------------------

export interface ThreadInfo {
  readonly thread_id: string;
  readonly title: string;
  readonly notebook: string | null;
  readonly folder: string;
  readonly created: string;
  readonly saved: boolean;
  readonly read_only: boolean;
  /** Whether a person lets its tools read the notebook's folder. */
  readonly reads_notebook?: boolean;
}

/** Who answers: `kind` is `none` where it is no model. */
export interface AgentInfo {
  readonly id: string;
  readonly label: string;
  readonly kind: string;
}

export interface Queued {
  readonly message_id: string;
  readonly run_id: string;
}

export interface Approval {
  readonly run_id: string;
  readonly interrupts: readonly Question[];
}

/** A tool call of the run in flight: being written, asked for (it waits its turn), or running. */
export interface CallInFlight {
  readonly id: string;
  readonly name: string;
  /** JSON text, perhaps not whole yet. */
  readonly arguments: string;
  readonly status: 'writing' | 'asked' | 'running';
  readonly outputs: readonly Output[];
}

/** The run in flight, folded: what has been said since its last line. */
export interface RunInFlight {
  readonly run_id: string;
  /** The id its next assistant message will have, once that has begun. */
  readonly message_id: string | null;
  readonly n: number;
  readonly text: string;
  readonly reasoning: string;
  readonly status: string;
  readonly tool_calls: readonly CallInFlight[];
}

export interface HelloFrame {
  readonly kind: 'hello';
  readonly thread: ThreadInfo;
  readonly seq: number;
  readonly reset: boolean;
  readonly lines: readonly Line[];
  readonly more: boolean;
  readonly run: RunInFlight | null;
  readonly approvals: readonly Approval[];
  readonly queue: readonly Queued[];
  readonly agent: AgentInfo;
  readonly level: Level;
  /** The most bytes of a frame to the server. */
  readonly most_bytes?: number;
}

interface Custom<Name extends string, Value> {
  readonly type: EventType.CUSTOM;
  readonly name: Name;
  readonly value: Value;
}

export type LineEvent = Custom<'line', Line>;
export type QueueEvent = Custom<'queue', { readonly queue: readonly Queued[] }>;
export type ThreadEvent = Custom<
  'thread',
  Partial<ThreadInfo> & { readonly level?: Level; readonly agent?: AgentInfo }
>;
export type ToolStatusEvent = Custom<
  'tool_status',
  { readonly toolCallId: string; readonly toolCallName?: string; readonly text: string }
>;
export type ToolOutputEvent = Custom<'tool_output', { readonly toolCallId: string; readonly output: Output }>;

/** A change of one cell; it is made only where the cell's source still is `old_source`. */
export interface CellEdit {
  readonly cell_id: string;
  readonly old_source: string;
  readonly operation: 'replace' | 'insert_after' | 'delete' | 'move';
  readonly new_source: string;
  readonly kind: 'code' | 'markdown' | 'raw';
  /** For `move`: the cell it comes behind; `null` is the top. */
  readonly after: string | null;
}

/** What the server asks of a notebook this page may have open. */
export type NotebookQuestion = { readonly id: string; readonly path: string } & (
  | { readonly operation: 'find' | 'read' | 'stop' }
  | { readonly operation: 'edit'; readonly edit: CellEdit }
  | { readonly operation: 'run'; readonly cell_id: string; readonly source: string }
);

export type NotebookAnswer = Readonly<Record<string, unknown>>;

export type NotebookEvent = Custom<'notebook', NotebookQuestion>;

export type RunEvent =
  | RunStartedEvent
  | TextMessageStartEvent
  | TextMessageContentEvent
  | TextMessageEndEvent
  | ReasoningMessageStartEvent
  | ReasoningMessageContentEvent
  | ReasoningMessageEndEvent
  | ToolCallStartEvent
  | ToolCallArgsEvent
  | ToolCallEndEvent
  | ToolCallResultEvent
  | ToolStatusEvent
  | ToolOutputEvent
  | RunFinishedEvent
  | RunErrorEvent;

export interface EventFrame {
  readonly kind: 'event';
  readonly seq?: number;
  readonly n?: number;
  readonly run_id?: string;
  readonly event: LineEvent | QueueEvent | ThreadEvent | NotebookEvent | RunEvent;
}

export interface AckFrame {
  readonly kind: 'ack';
  readonly id: string;
  readonly runId?: string;
  readonly seq?: number;
  readonly queued?: boolean;
  readonly cancelled?: boolean;
  readonly runIds?: readonly string[];
}

export interface NackFrame {
  readonly kind: 'nack';
  /** `null` where the address itself is refused; the socket closes after it. */
  readonly id: string | null;
  readonly code: string;
  readonly message: string;
}

/** The server is still there: pages do not see pings. */
export interface HeartbeatFrame {
  readonly kind: 'heartbeat';
}

export type ServerFrame = HelloFrame | EventFrame | AckFrame | NackFrame | HeartbeatFrame;

// --- frames from the client -------------------------------------------------------------------------------------

export type Permission = 'allow' | 'ask' | 'deny';

/** What of a notebook goes along with a message (docs/wire.md). */
export interface ContextItem {
  readonly type: 'cell' | 'selection' | 'error' | 'variable' | 'file';
  readonly notebook?: string;
  readonly id?: string;
  readonly cell_id?: string;
  readonly kind?: string;
  readonly active?: boolean;
  readonly source?: string;
  readonly outputs?: string;
  readonly text?: string;
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: string;
  readonly name?: string;
  /** Of a variable; left out, the server looks at it when the message is sent. */
  readonly value?: string;
  /** Why a variable has no value; the server says it. */
  readonly problem?: string;
  readonly path?: string;
  /** Where a file is; the server says it, and it is not sent. */
  readonly url?: string;
}

export interface SendOptions {
  readonly context?: readonly ContextItem[];
  /** The person's own settings for tools, by name. */
  readonly permissions?: Readonly<Record<string, Permission>>;
  readonly mode?: 'queue' | 'reject' | 'interrupt';
  readonly model?: string | null;
  /** What the agent is told before the conversation, for the answers to this message. */
  readonly instructions?: string;
  /** The tools that these answers may use; none where it is empty, all where it is left out. */
  readonly tool_names?: readonly string[];
  /** Whether a person is asked before each call that would run without. */
  readonly asks_first?: boolean;
  /** Only to branch; `null` is the root. */
  readonly parentRunId?: string | null;
}

export interface SendFrame {
  readonly kind: 'send';
  /** The message's id, and the key that makes sending it again harmless. */
  readonly id: string;
  readonly content: Content;
  readonly options?: SendOptions;
}

export interface CancelFrame {
  readonly kind: 'cancel';
  readonly id: string;
  readonly runId?: string;
}

export interface RegenerateFrame {
  readonly kind: 'regenerate';
  readonly id: string;
  readonly messageId: string;
}

/** Turns the thread to the branch through a run, for everybody. */
export interface HeadFrame {
  readonly kind: 'head';
  readonly id: string;
  readonly runId: string;
}

export interface WithdrawFrame {
  readonly kind: 'withdraw';
  readonly id: string;
  readonly messageId: string;
}

export interface AnswerFrame {
  readonly kind: 'answer';
  readonly id: string;
  readonly runId: string;
  readonly answers: readonly ResumeEntry[];
}

/** A person has begun to write: what a new chat's first call needs can be made ready. */
export interface WritingFrame {
  readonly kind: 'writing';
  readonly id: string;
}

/** This page's answer about a notebook; `id` is the question's. */
export interface NotebookFrame {
  readonly kind: 'notebook';
  readonly id: string;
  readonly value?: NotebookAnswer;
  readonly error?: { readonly code: string; readonly message: string };
}

export type ClientFrame =
  | NotebookFrame
  | SendFrame
  | CancelFrame
  | RegenerateFrame
  | HeadFrame
  | WithdrawFrame
  | WritingFrame
  | AnswerFrame;

/** Codes a socket is closed with for good: malformed, a token that ended, another's, deleted, unreadable. */
export const CLOSED_FOR_GOOD: readonly number[] = [4400, 4401, 4404, 4410, 4422];
