/** The name the Python side knows this module by, and the versions it fits. */

export const MODULE = 'jupyter_chat_sessions';
export const MODULE_VERSION = '0.1.0';
