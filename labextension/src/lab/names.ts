/** The ids of this extension's commands, and the names of files they are for. */

export const COMMANDS = {
  show: 'jupyter_chat_sessions:show',
  newChat: 'jupyter_chat_sessions:new-chat',
  stop: 'jupyter_chat_sessions:stop',
  openMain: 'jupyter_chat_sessions:open-main',
  share: 'jupyter_chat_sessions:share',
  compare: 'jupyter_chat_sessions:compare',
  export: 'jupyter_chat_sessions:export',
  restartPython: 'jupyter_chat_sessions:restart-python',
  deleted: 'jupyter_chat_sessions:deleted',
  import: 'jupyter_chat_sessions:import',
  importFile: 'jupyter_chat_sessions:import-file',
  follow: 'jupyter_chat_sessions:follow-link'
} as const;

/** Whether a file of this name is a chat of JupyterLab's, or a transcript. */
export function isChatFile(name: string): boolean {
  return /\.(chat|jsonl)$/i.test(name);
}
