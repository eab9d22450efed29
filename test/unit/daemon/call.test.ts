// Proves what a call carries to the daemon besides its input: the caller's SSH agent, for this call alone, and nothing that is no path.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { callDaemon, requestHandOver } from "../../../src/client/call.js";
import { callLine } from "../../../src/daemon/protocol.js";
import { listen, type DaemonServer } from "../../../src/daemon/server.js";
import { PyroError } from "../../../src/base/error.js";

let folder: string;
let server: DaemonServer;
let socketPath: string;
const agents: (string | undefined)[] = [];
let isRecorded: boolean;
let handOvers: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "pyro-call-"));
  socketPath = join(folder, "daemon.sock");
  agents.length = 0;
  isRecorded = true;
  handOvers = 0;
  const create = (_request: unknown, { sshAgent }: { readonly sshAgent?: string | undefined }) => {
    agents.push(sshAgent);
    return Promise.reject(new PyroError("unsupported", "for the test"));
  };
  const parts = { workspaces: { create } } as never;
  server = await listen({
    ...{ socketPath, parts, onActivity: () => undefined },
    isRecorded: () => Promise.resolve(isRecorded),
    onHandOver: () => (handOvers += 1),
  });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a daemon whose record is there makes way for other code, not for one that had not seen the record", async () => {
  const asked = [];
  for (const recordLost of [true, false, true]) asked.push(await requestHandOver(socketPath, recordLost));
  // Once it has agreed, whoever asks is told so, and no call begins.
  expect([asked, handOvers]).toEqual([[false, true, true], 1]);
  await expect(callDaemon(socketPath, { name: "workspace_create", input: {} })).rejects.toThrow("went away");
});

test("a daemon that has lost its record makes way for who cannot find it", async () => {
  isRecorded = false;
  expect([await requestHandOver(socketPath, true), handOvers]).toEqual([true, 1]);
});

test("the connection of a call is gone when the call is over, though more could be sent", async () => {
  const over = createConnection(socketPath);
  await once(over, "connect");
  const call = { name: "workspace_create", input: { repo_url: "ssh://git@host/a" }, over };
  await expect(callDaemon(socketPath, call, { onSignalSender: () => undefined })).rejects.toThrow("for the test");
  expect(over.destroyed).toBe(true);
});

test("the SSH agent of each caller reaches its own call", async () => {
  const call = { name: "workspace_create", input: { repo_url: "ssh://git@host/a" } };
  for (const sshAgent of ["/run/first", undefined, "/run/second", "", "relative/path", "/with\0zero"]) {
    await expect(callDaemon(socketPath, call, { sshAgent })).rejects.toMatchObject({ code: "unsupported" });
  }
  expect(agents).toEqual(["/run/first", undefined, "/run/second", undefined, undefined, undefined]);
});

test("a line with an agent that is no absolute path is not of the protocol", () => {
  const isLine = (ssh_agent: unknown) => callLine.safeParse({ input: {}, ssh_agent }).success;
  expect(["/run/agent", undefined, "agent", "", "/a\0b", `/${"x".repeat(4096)}`, 1].map(isLine)).toEqual([
    ...[true, true, false, false, false, false, false],
  ]);
});
