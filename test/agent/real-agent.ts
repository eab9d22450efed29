// Owns the real agent without a machine: `pyro-guest compat` in bubblewrap's namespaces, over a socket pair that can be cut. Never lets it write to the host.
// Like every sandbox, one runs one program.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { abilitiesOf, openGuestSession, type GuestSession } from "../../src/guest/session.js";
import type { Ticks } from "../../src/guest/time.js";
import { machineWith, type TestMachine } from "./machine.js";

const agentPath = join(import.meta.dirname, "../../dist/pyro-guest");
const agentInside = "/run/.pyro-guest";
/** Only for what hangs. */
const startMs = 20_000;

export interface Link {
  /** Goes only when the test says so. */
  readonly ticks?: Ticks;
  /** The connection breaks once so many bytes of the agent have come. */
  readonly cutAfterBytes?: number;
}

export interface RealAgent extends AsyncDisposable {
  /** A new session with the same agent; the one before is over. */
  connect(link?: Link): Promise<GuestSession>;
  /** Breaks the connection as it is; the agent goes on. */
  cut(): void;
  /** Nothing arrives any more, in either direction; the connection stays. */
  freeze(): void;
  /** A machine with it inside, on a new session. */
  machine(id?: string): Promise<TestMachine & AsyncDisposable>;
  kill(): Promise<void>;
}

/** The host's programs, read-only, whichever of these folders are links here. */
const programs = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "etc"]
  .map((name) => `/${name}`)
  .flatMap((path) => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return [];
    return found.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path];
  });

/** Everything but the programs is its own, and gone with it. */
const sandbox = [
  ...["user", "pid", "net", "ipc", "uts"].map((name) => `--unshare-${name}`),
  ...["--die-with-parent", "--new-session", "--uid", "0", "--gid", "0", ...programs, "--dir", "/workspace"],
  ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run", "--ro-bind", agentPath, agentInside],
  ...["--chdir", "/", "--clearenv", "--", agentInside, "compat"],
];

export async function startRealAgent(): Promise<RealAgent> {
  const child = spawn("bwrap", sandbox, { stdio: ["ignore", "ignore", "inherit", "pipe"] });
  await once(child, "spawn");
  const exited = once(child, "exit");
  const cable = await openCable(child.stdio[3] as Duplex);
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const dispose = async () => {
    cable.close();
    await kill();
  };
  const connect = async (link: Link = {}) => {
    const { ticks } = link;
    const channel = await cable.connect(link.cutAfterBytes ?? Number.POSITIVE_INFINITY);
    const signal = AbortSignal.timeout(startMs);
    const session = await openGuestSession({ channel, ...(ticks === undefined ? {} : { ticks }) }, signal);
    const { capabilities } = await session.machine.hello({}, { signal });
    return { ...session, abilities: abilitiesOf(capabilities) };
  };
  return {
    ...{ connect, kill },
    cut: () => cable.cut(),
    freeze: () => cable.freeze(),
    machine: async (id = "vm_agent") => ({
      ...machineWith(await connect(), { id, end: kill }),
      [Symbol.asyncDispose]: dispose,
    }),
    [Symbol.asyncDispose]: dispose,
  };
}

interface Cable {
  connect(cutAfterBytes: number): Promise<Socket>;
  cut(): void;
  freeze(): void;
  close(): void;
}

/** Between the agent's end of the pair, which stays, and connections, which come and go. */
async function openCable(agent: Duplex): Promise<Cable> {
  const folder = mkdtempSync(join(tmpdir(), "pyro-agent-"));
  const path = join(folder, "agent.sock");
  let plugged: Socket | undefined;
  let frozen = false;
  let left = 0;
  const server: Server = createServer((socket) => {
    plugged?.destroy();
    plugged = socket;
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      if (frozen || agent.write(data)) return;
      socket.pause();
      agent.once("drain", () => socket.resume());
    });
  });
  agent.on("error", () => undefined);
  agent.on("data", (data: Buffer) => {
    // What nobody reads is lost, as with a machine's port.
    if (frozen || plugged === undefined || plugged.destroyed) return;
    const part = data.subarray(0, left);
    left -= part.length;
    const hasRoom = plugged.write(part);
    if (left === 0) plugged.end();
    else if (!hasRoom) {
      agent.pause();
      plugged.once("drain", () => agent.resume()).once("close", () => agent.resume());
    }
  });
  server.listen(path);
  await once(server, "listening");
  return {
    connect: async (cutAfterBytes) => {
      plugged?.destroy();
      left = cutAfterBytes;
      const accepted = once(server, "connection");
      const channel = createConnection(path);
      await Promise.all([once(channel, "connect"), accepted]);
      return channel;
    },
    cut: () => plugged?.destroy(),
    freeze: () => (frozen = true),
    close: () => {
      plugged?.destroy();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
