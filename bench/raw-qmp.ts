// Owns speaking to a QEMU with as little as it takes. Shares no code with src/engine.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

export type Command = readonly [name: string, args?: Readonly<Record<string, unknown>>];

export interface RawQmp {
  /** Sends all commands at once; QEMU runs them in order. */
  run(...commands: readonly Command[]): Promise<void>;
  /** Resolves at the first event of that name whose data has these values. */
  event(name: string, data: Readonly<Record<string, unknown>>): Promise<void>;
}

interface Message {
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

export function rawQmp(socket: Socket): RawQmp {
  const waiting: ((message: Message) => void)[] = [];
  const listeners = new Set<(message: Message) => void>();
  createInterface({ input: socket }).on("line", (line) => {
    const message = JSON.parse(line) as Message;
    if (message.event !== undefined) for (const listener of listeners) listener(message);
    else if ("return" in message || message.error !== undefined) waiting.shift()?.(message);
  });
  return {
    run: async (...commands) => {
      const answers = commands.map(() => new Promise<Message>((resolve) => waiting.push(resolve)));
      socket.write(commands.map(([name, args = {}]) => JSON.stringify({ execute: name, arguments: args })).join("\n"));
      const failed = (await Promise.all(answers)).find(({ error }) => error !== undefined);
      if (failed !== undefined) throw new Error(`QEMU refused: ${failed.error?.desc}`);
    },
    event: (name, data) =>
      new Promise((resolve) => {
        const listener = (message: Message) => {
          if (message.event !== name) return;
          if (Object.entries(data).some(([key, value]) => message.data?.[key] !== value)) return;
          listeners.delete(listener);
          resolve();
        };
        listeners.add(listener);
      }),
  };
}

/** Tries every half millisecond: this is a floor, not a way to treat a host. */
export async function connectRetrying(path: string, child: ChildProcess): Promise<Socket> {
  for (;;) {
    const socket = createConnection(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch {
      if (child.exitCode !== null) throw new Error(`QEMU ended with ${child.exitCode}`);
      await delay(0.5);
    }
  }
}
