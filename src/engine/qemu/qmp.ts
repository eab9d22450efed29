// Owns the control connection to one QEMU. Never decides what to do with a machine.
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import * as z from "zod";
import { PyroError } from "../../base/error.js";
import { stageDone } from "../../base/stage.js";

const message = z.object({
  event: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  id: z.number().optional(),
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
});

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Milliseconds that QEMU has to answer one command. */
const answerTimeoutMs = 20_000;
/** Characters of a line that listeners are told. */
const maxToldLength = 500;

export class Qmp implements Disposable {
  readonly #socket: Socket;
  readonly #machine: string;
  readonly #waiters = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #listeners = new Set<(event: QmpEvent | Error) => void>();
  #nextId = 1;
  #closed: Error | undefined;

  private constructor(socket: Socket, machine: string) {
    this.#socket = socket;
    this.#machine = machine;
    // It passes the socket's errors on, and would throw them where nobody listens.
    createInterface({ input: socket })
      .on("line", (line) => this.#receive(line))
      .on("error", () => undefined);
    socket.on("error", (error) => this.#close(error));
    socket.on("close", () => this.#close(new PyroError("unavailable", "QEMU closed its control connection.")));
  }

  /** Negotiates on a fresh connection to this machine's QEMU, which the result then owns. */
  static async open(socket: Socket, machine: string, signal: AbortSignal): Promise<Qmp> {
    const qmp = new Qmp(socket, machine);
    const end = () => qmp[Symbol.dispose]();
    signal.addEventListener("abort", end, { once: true });
    try {
      signal.throwIfAborted();
      await qmp.execute("qmp_capabilities");
    } catch (error) {
      end();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", end);
    }
    return qmp;
  }

  /** Runs one command and returns what QEMU returned. */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#closed !== undefined) throw this.#closed;
    const id = this.#nextId++;
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject });
      timer = setTimeout(() => {
        reject(new PyroError("deadline_exceeded", `QEMU did not answer ${command} within ${answerTimeoutMs} ms.`));
      }, answerTimeoutMs);
    });
    this.#tell(`> ${id} ${command} ${JSON.stringify(args)}`);
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    return answer.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(id);
    });
  }

  /** Calls `listener` for each event, and once with the error when the connection ends. Returns how to stop that. */
  listen(listener: (event: QmpEvent | Error) => void): () => void {
    this.#listeners.add(listener);
    if (this.#closed !== undefined) listener(this.#closed);
    return () => this.#listeners.delete(listener);
  }

  /** The first event from now on that `wanted` accepts. */
  waitForEvent(wanted: (event: QmpEvent) => boolean, signal: AbortSignal): Promise<QmpEvent> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        stop();
        signal.removeEventListener("abort", onAbort);
        act();
      };
      const onAbort = () => finish(() => reject(signal.reason as Error));
      const stop = this.listen((event) => {
        if (event instanceof Error) finish(() => reject(event));
        else if (wanted(event)) finish(() => resolve(event));
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #receive(line: string): void {
    const parsed = message.safeParse(parseJson(line));
    if (!parsed.success) return;
    const { event, data, id, error, return: returned } = parsed.data;
    if (event !== undefined) this.#tell(`< ${event} ${JSON.stringify(data ?? {})}`);
    // What a command returned can be long, and the guest's.
    if (id !== undefined) this.#tell(`< ${id} ${error?.desc ?? "done"}`);
    if (event !== undefined) for (const listener of [...this.#listeners]) listener({ name: event, data: data ?? {} });
    if (id === undefined) return;
    const waiter = this.#waiters.get(id);
    if (error === undefined) waiter?.resolve(returned);
    else waiter?.reject(new PyroError("internal", `QEMU refused: ${error.desc}`));
  }

  #tell(line: string): void {
    stageDone(this.#machine, line.slice(0, maxToldLength), "qmp");
  }

  #close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#tell(`closed: ${error.message}`);
    this.#closed = error;
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    for (const listener of [...this.#listeners]) listener(error);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
