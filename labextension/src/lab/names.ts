/** The ids of this extension's commands. */

export const COMMANDS = {
  show: 'jupyter_chat_sessions:show',
  newChat: 'jupyter_chat_sessions:new-chat',
  stop: 'jupyter_chat_sessions:stop',
  openMain: 'jupyter_chat_sessions:open-main',
  share: 'jupyter_chat_sessions:share',
  compare: 'jupyter_chat_sessions:compare',
  export: 'jupyter_chat_sessions:export',
  restartPython: 'jupyter_chat_sessions:restart-python',
  follow: 'jupyter_chat_sessions:follow-link'
} as const;
