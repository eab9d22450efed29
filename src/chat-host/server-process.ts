// Owns a server that was started for an examination: its process group, its messages, its end. Trusts nothing that it prints.
import {
  deserializeMessage,
  serializeMessage,
  type JSONRPCMessage,
  type Transport,
} from "@modelcontextprotocol/client";
import { startChild, type Child, type Ending } from "../base/child-process.js";
import type { Launch } from "./host.js";

/** What it may print that is no message, and how long a message may be. */
const maxNoise = 64 * 1024;
const maxMessage = 4 * 1024 * 1024;
const tailLength = 2048;
/** Milliseconds that it has to end by itself once its standard input is closed. */
const graceMs = 2000;
/** Milliseconds for what it printed to arrive after its end. */
const drainMs = 200;

export class ServerProcess implements Transport {
  // `undefined` is part of the types: the library assigns them so.
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;

  readonly #launch: Launch & { readonly environment: NodeJS.ProcessEnv };
  #child: Child | undefined;
  #partial = "";
  #noise = "";
  #stderr = "";
  #end: string | undefined;
  #finished = false;

  /** `environment` is the whole of it. */
  constructor(launch: Launch & { readonly environment: NodeJS.ProcessEnv }) {
    this.#launch = launch;
  }

  /** Why it can answer no more, a sentence; undefined while it may, and where it was we who ended it. */
  get end(): string | undefined {
    return this.#end;
  }

  /** The beginning of what it printed that is no message. */
  get noise(): string {
    return this.#noise.trim().slice(0, 200);
  }

  get stderrTail(): string {
    return this.#stderr.trim();
  }

  async start(): Promise<void> {
    const { command, args, cwd, environment: env } = this.#launch;
    const child = startChild({ command: [command, ...args], cwd, env });
    this.#child = child;
    child.exited.then(
      (ending) => this.#drain(child, ending),
      (error: unknown) =>
        this.#fail(`It cannot be started: ${String(error instanceof Error ? error.message : error)}.`),
    );
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-tailLength);
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    this.#child?.stdin.write(serializeMessage(message));
    return Promise.resolve();
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#finish();
    child.stdin.end();
    const timer = setTimeout(child.endGroup, graceMs);
    await child.exited.catch(() => undefined);
    clearTimeout(timer);
    // What it left behind: the pipes may be held from outside of the group.
    child.endGroup();
    child.stdout.destroy();
    child.stderr.destroy();
  }

  /** What it printed last is still to come, but what it started may keep the pipes open. */
  #drain({ closed }: Child, { code, signal }: Ending): void {
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    const ended = () => this.#fail(`It ended ${how} instead of answering.`);
    const timer = setTimeout(ended, drainMs);
    void closed.then(() => {
      clearTimeout(timer);
      ended();
    });
  }

  #read(text: string): void {
    if (this.#finished) return;
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    if (this.#partial.length > maxMessage) return this.#fail("It prints a line without end.");
    for (const line of lines) this.#readLine(line);
  }

  #readLine(line: string): void {
    if (line.trim() === "" || this.#finished) return;
    const message = parseMessage(line);
    if (message !== undefined) return this.onmessage?.(message);
    this.#noise += `${line}\n`;
    if (this.#noise.length > maxNoise) this.#fail("It prints what is no MCP.");
  }

  #fail(why: string): void {
    if (!this.#finished) this.#end = why;
    this.#finish();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.onclose?.();
  }
}

function parseMessage(line: string): JSONRPCMessage | undefined {
  try {
    return deserializeMessage(line);
  } catch {
    return undefined;
  }
}
