"""The notebook a thread is kept beside: where a page has it open, in its file, and in its kernel."""
