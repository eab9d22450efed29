// What pyro promises to its users, one sentence each. Every e2e test cites the promises it keeps as [promise-id]; test/contract/promises.test.ts checks both ways.

/** Promise id → the promise. */
export const requirements: Readonly<Record<string, string>> = {
  "help-every-level": "`--help` works at every level, and shows the way in at the top; `--version` works.",
  "daemon-not-started": "Asking about the daemon or stopping it never starts one.",
  "progress-on-stderr": "Progress is on standard error, as plain lines where that is no terminal.",
  demo: "`pyro demo` shows the life of a one-shot machine.",
  "mcp-at-once": "The MCP server answers initialize and tools/list before any daemon or machine exists.",
  "mcp-vm-run": "`vm_run` runs one shell command in a machine of its own.",
  "mcp-errors": "Over MCP an error is a result with a code, a message and the next call to make.",
  "mcp-bounded": "A result is never larger than chat hosts take.",
  "mcp-progress": "A client that sends a progress token hears of progress.",
  "mcp-cancel": "Canceling a call stops what runs in the guest.",
  "mcp-ends": "The MCP server ends when its standard input does.",
  "mcp-piped": "Requests that are piped in are answered.",
  "mcp-refused": "A profile or mode that is not built is refused by name.",
  "sdk-example": "The example of the SDK's reference runs as it stands.",
  "sdk-streams": "The SDK streams output and passes standard input on.",
  "sdk-cancel": "A signal cancels an SDK call.",
  "sdk-server": "`createServer` gives an MCP server to embed.",
};
