// Owns a program in the agent's place on the byte stream: it agrees on a session as the agent does, then plays what it is told. Never runs anything.

import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { FileService } from "../../src/guest/gen/pyro/guest/v1/files_pb.js";
import { MachineService, ProcessService } from "../../src/guest/gen/pyro/guest/v1/guest_pb.js";
import { abilitiesOf, openGuestSession, type GuestSession } from "../../src/guest/session.js";
import type { LiveMachine } from "../../src/machine/machine-host.js";
import type { Ticks } from "../../src/guest/time.js";
import { machineWith } from "../agent/machine.js";

/** What it does instead of what an agent would; everything else is answered with `unimplemented`. */
export interface Lies {
  readonly machine?: Partial<ServiceImpl<typeof MachineService>>;
  readonly processes?: Partial<ServiceImpl<typeof ProcessService>>;
  readonly files?: Partial<ServiceImpl<typeof FileService>>;
  /** In place of HTTP/2, once the session has been agreed on. */
  readonly bytes?: (socket: Socket) => void;
  /** In place of the protocol, on every HTTP/2 request. */
  readonly answer?: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
}

/** A clock that goes only when it is told to. */
export class HandClock {
  readonly #ticks = new Set<(elapsedMs: number) => void>();
  readonly ticks: Ticks = (tick) => {
    this.#ticks.add(tick);
    return () => this.#ticks.delete(tick);
  };

  /** The host slept: no tick came in between. */
  sleep(ms: number): void {
    for (const tick of [...this.#ticks]) tick(ms);
  }

  /** Lets so much time pass, second by second; after each, what is on its way arrives. */
  async pass(ms: number, arrived: () => Promise<void> = nextTurn): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1000) {
      for (const tick of [...this.#ticks]) tick(1000);
      await arrived();
    }
  }
}

/** Resolves after everything that is ready now, sockets included, has had its turn. */
export async function nextTurn(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export interface HostileGuest extends AsyncDisposable {
  readonly session: GuestSession;
  /** A machine with it inside; killing it closes the stream. */
  readonly live: LiveMachine;
  /** How often it was killed. */
  readonly kills: () => number;
  /** Pauses the machine as a full disk does. */
  pause(isPaused: boolean): void;
}

export async function openHostileGuest(lies: Lies, ticks?: Ticks): Promise<HostileGuest> {
  const folder = mkdtempSync(join(tmpdir(), "pyro-hostile-"));
  const path = join(folder, "agent.sock");
  const server = createServer((socket) => void play(socket, lies));
  server.listen(path);
  await once(server, "listening");
  const channel = createConnection(path);
  await once(channel, "connect");
  let paused = false;
  const options = { channel, isPaused: () => paused, ...(ticks === undefined ? {} : { ticks }) };
  const opened = await openGuestSession(options, AbortSignal.timeout(300_000));
  const session: GuestSession = { ...opened, abilities: abilitiesOf(["heartbeats", "write_file", "background"]) };
  const { live, kills } = machineWith(session, { id: "vm_hostile" });
  return {
    session,
    live,
    kills,
    pause: (isPaused) => {
      paused = isPaused;
    },
    [Symbol.asyncDispose]: async () => {
      session[Symbol.dispose]();
      server.close();
      rmSync(folder, { recursive: true, force: true });
      await session.closed;
    },
  };
}

/** As the agent answers the preface; then HTTP/2 with our services, or whatever bytes there are to play. */
async function play(socket: Socket, lies: Lies): Promise<void> {
  socket.on("error", () => undefined);
  let seen = "";
  while (!seen.endsWith("\n")) {
    const [data] = (await once(socket, "data")) as [Buffer];
    seen += data.toString("latin1");
  }
  socket.write(seen);
  // As the agent does: the host speaks first.
  const [first] = (await once(socket, "data")) as [Buffer];
  socket.pause();
  socket.unshift(first);
  if (lies.bytes !== undefined) {
    socket.resume();
    lies.bytes(socket);
    return;
  }
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.service(MachineService, lies.machine ?? {});
      router.service(ProcessService, lies.processes ?? {});
      router.service(FileService, lies.files ?? {});
    },
  });
  const http2 = createHttp2Server(lies.answer ?? handler);
  http2.on("sessionError", () => undefined);
  http2.on("session", (each) => each.on("error", () => undefined));
  http2.emit("connection", socket);
}

/** Answers nothing, ever. */
export function silence(): Promise<never> {
  return new Promise(() => undefined);
}

/** A stream that says nothing, ever. */
export function silentStream(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: silence }) };
}
