"""What `%chat help` says."""

HELP = """\
| | |
|---|---|
| `%chat words…` | send to this notebook's chat: the one in the sidebar and the panel |
| `%%chat [options]` | the same, the lines below being the prompt |
| `%chat new [title]` · `reset` | begin another chat; what follows goes there |
| `%chat list` · `use NAME` · `use current` | the chats beside this notebook; go on in one of them (`#`, id or title) |
| `%chat show [n]` | the last messages |
| `%chat rename TITLE` · `rm [NAME]` | rename this chat; delete it (it stays in the trash for 7 days) |
| `%chat model [NAME]` | who answers from now on; `default` lets the server choose |
| `%chat tools` · `off` · `on` · `only NAME, NAME` | the tools, what holds for each; which may be used from now on |
| `%chat tools ask` | you are asked before each call from now on, where the chat is shown |
| `%chat stop` | stop what is running; interrupting the kernel does it too |
| `%chat fix` | explain the last error and the cell that raised it |
| `%chat export [NAME.md]` | write this chat to a new file: `.md`, `.ipynb` or `.json` |
| `%chat where` | where this chat is kept |

Options before the prompt: `-t NAME`, `new` or `none` (which chat, for this once) · `-m MODEL` ·
`-s TEXT` (instructions for this answer) · `--no-tools` · `-a FILE` or `-a {variable}` (attach; may be repeated) ·
`--cells 3` or `--cells 2,5-7` (cells that ran, with their results) · `--err` (the last error) · `--yes` (allow what
asks) · `-o NAME` (keep the result) · `-f md`, `text`, `code` (fills the next cell) or `json` · `--no-stream` ·
`--timeout SECONDS` · `--raw`.

`{name}`, `{name.attribute}`, `{name[0]}` and `{name!r}` in a prompt become values of this notebook; other braces stay.
`@name` sends the value of that name along beside the words.
The result is in `_chat`: `.text`, `.code_blocks`, `.artifacts`, `.run_id`, `.outcome`.
"""
