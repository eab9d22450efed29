// Owns a server that was started for an examination: its process group, its messages, its end. Trusts nothing that it prints.
import {
  deserializeMessage,
  serializeMessage,
  type JSONRPCMessage,
  type Transport,
} from "@modelcontextprotocol/client";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
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
  #child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
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
    // In a group of its own, so that what it starts can be ended with it.
    const child = spawn(command, [...args], { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    child.once("exit", (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      const ended = () => this.#fail(`It ended ${how} instead of answering.`);
      // What it printed last is still to come, but what it started may keep the pipes open.
      const timer = setTimeout(ended, drainMs);
      child.once("close", () => {
        clearTimeout(timer);
        ended();
      });
    });
    child.once("error", (error) => this.#fail(`It cannot be started: ${error.message}.`));
    child.stdin.on("error", () => undefined);
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
    if (child?.pid === undefined) return;
    this.#finish();
    child.stdin.end();
    const timer = setTimeout(() => endGroup(child.pid), graceMs);
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    clearTimeout(timer);
    // What it left behind: the group outlives its leader, and the pipes may be held from outside of it.
    endGroup(child.pid);
    child.stdout.destroy();
    child.stderr.destroy();
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

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has gone.
  }
}
