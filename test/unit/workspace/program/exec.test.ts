// Proves the life of a workspace's command with the real agent, a store and a journal: its result, its history, its cancelling, and the daemon that takes it over.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { LiveMachine } from "../../../../src/machine/machine-host.js";
import { viewOfCommand, viewOfExec } from "../../../../src/operations/workspace-view.js";
import { handOver, resumeWorkspaces } from "../../../../src/workspace/life/resume.js";
import { execInWorkspace, waitInWorkspace, type ExecRequest } from "../../../../src/workspace/program/exec.js";
import { commandHistory, commandOutput, summarize } from "../../../../src/workspace/program/history.js";
import { readJournal } from "../../../../src/workspace/record/journal.js";
import { WorkspaceStore } from "../../../../src/workspace/record/store.js";
import type { Workspace } from "../../../../src/workspace/workspace.js";
import { SignalTarget } from "../../../../src/guest/gen/pyro/guest/v1/guest_pb.js";
import { abilitiesOf } from "../../../../src/guest/session.js";
import { workspaceStatus } from "../../../../src/workspace/status.js";
import { startRealAgent, type RealAgent } from "../../../agent/real-agent.js";
import { caller, openWorldOf, type World } from "../../../security/world.js";

const never = new AbortController().signal;
const task = { signal: never, progress: () => undefined };
const minute = 60_000;
const number = expect.any(Number) as number;

interface Place {
  readonly world: World;
  readonly workspace: Workspace;
  /** Of the machine that runs now. */
  readonly agent: () => RealAgent;
}

/** A workspace in a machine with the real agent, which runs one command. */
async function place(): Promise<Place> {
  const agents: RealAgent[] = [];
  const world = await openWorldOf(async () => {
    const agent = await startRealAgent();
    agents.push(agent);
    return agent.machine();
  });
  onTestFinished(() => world[Symbol.asyncDispose]());
  const workspace = world.store.find(await world.create());
  const agent = () => {
    const last = agents.at(-1);
    if (last === undefined) throw new Error("There is no agent.");
    return last;
  };
  return { world, workspace, agent };
}

function request(script: string, more: Partial<ExecRequest> = {}): ExecRequest {
  const command = ["/bin/sh", "-c", script];
  return { command, cwd: "/tmp", timeoutMs: minute, waitMs: minute, outputBytes: 1000, ...more };
}

/** As its caller gets it. */
async function exec({ world, workspace }: Place, asked: ExecRequest, signal = never) {
  return viewOfExec(
    await execInWorkspace({ ...world, id: workspace.id, needs: "beside" }, { request: asked, caller: caller(signal) }),
  );
}

async function history(workspace: Workspace) {
  return (await commandHistory(workspace)).map(viewOfCommand);
}

async function wait(workspace: Workspace, outputBytes = 1000) {
  return viewOfExec(await waitInWorkspace(workspace, { sequence: 1, waitMs: minute, outputBytes }, task));
}

const ended = {
  ...{ state: "exited", exit_code: 0, signal: null, timed_out: false, oom_killed: false, canceled: false },
  duration_ms: number,
};
const noOutput = { stdout: "", stderr: "", stdout_truncated: false, stderr_truncated: false, dropped_bytes: 0 };

/** Resolves once the command has written so much. */
async function written(workspace: Workspace, bytes: number): Promise<void> {
  while ((workspace.execs.get(1)?.outputBytes() ?? 0) < bytes) await new Promise((resolve) => setImmediate(resolve));
}

describe("a command", () => {
  test("has one outcome, in its result, when it is waited for again, and in the history", async () => {
    const here = await place();
    const script = "echo out; echo err >&2; exit 3";
    const result = await exec(here, request(script));
    const facts = { sequence: 1, command: ["/bin/sh", "-c", script], cwd: "/tmp" };
    expect(result).toEqual({
      ...{
        workspace_id: here.workspace.id,
        ...facts,
        ...ended,
        exit_code: 3,
        ...noOutput,
        stdout: "out\n",
        stderr: "err\n",
      },
      ...{ restarted: false, background_commands: [] },
    });
    expect(await wait(here.workspace)).toEqual(result);
    const sizes = { stdout_bytes: 4, stderr_bytes: 4, background: false, output_removed: false };
    expect(await history(here.workspace)).toEqual([
      { ...facts, started_at: expect.any(String) as string, ...ended, exit_code: 3, ...sizes },
    ]);
  });

  test("that a signal ends says which, in its result, its history and the summary", async () => {
    const here = await place();
    const segv = { ...ended, exit_code: 139, signal: "SEGV" };
    expect(await exec(here, request("kill -SEGV $$"))).toMatchObject(segv);
    expect([await wait(here.workspace), ...(await history(here.workspace))]).toEqual([
      expect.objectContaining(segv),
      expect.objectContaining(segv),
    ]);
    expect(await summarize(here.workspace, { entries: [] })).toContain("exited with 139, ended by signal SEGV after");
    const lines = await readJournal(here.workspace.files.journal);
    expect(lines.map(({ type }) => type)).toEqual(["created", "exec_started", "exec_signaled", "exec_ended"]);
  });

  test("whose time runs out is killed and says so", async () => {
    const here = await place();
    const result = await exec(here, request("echo began; sleep 3600", { timeoutMs: 300 }));
    expect(result).toMatchObject({ ...ended, exit_code: 124, signal: "KILL", timed_out: true, stdout: "began\n" });
  });

  test("whose caller goes is canceled, and its history says so", async () => {
    const here = await place();
    const gone = new AbortController();
    const running = exec(here, request("echo up; sleep 3600"), gone.signal);
    await written(here.workspace, 3);
    gone.abort(new Error("gone"));
    await expect(running).rejects.toThrow("gone");
    expect(await wait(here.workspace)).toMatchObject({ ...ended, exit_code: 137, signal: "KILL", canceled: true });
  });

  test("that is not waited for goes on, and whoever waits gets the whole of it", async () => {
    const here = await place();
    const detached = await exec(
      here,
      request("echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done; echo down", { waitMs: 0 }),
    );
    expect(detached).toMatchObject({ state: "running", exit_code: null, signal: null });
    expect((await history(here.workspace)).map(({ state }) => state)).toEqual(["running"]);
    await written(here.workspace, 3);
    here.workspace.execs.get(1)?.cancel();
    expect(await wait(here.workspace)).toMatchObject({ state: "exited", canceled: true, stdout: "up\n" });
  });

  test("that has written half a character so far shows it when the other half is there, or at its end", async () => {
    const here = await place();
    await exec(here, request("printf 'a\\342\\202'; sleep 3600", { waitMs: 0 }));
    await written(here.workspace, 3);
    const range = { sequence: 1, stream: "stdout", offset: 0, maxBytes: 9 } as const;
    const soFar = await waitInWorkspace(here.workspace, { sequence: 1, waitMs: 0, outputBytes: 1000 }, task);
    expect([soFar.stdout, await commandOutput(here.workspace, range)]).toEqual([
      { text: "a", truncated: false, base64: undefined },
      { text: "a", base64: undefined, nextOffset: 1, totalBytes: 3 },
    ]);
    here.workspace.execs.get(1)?.cancel();
    expect(await wait(here.workspace)).toMatchObject({ state: "exited", stdout: "a\u{fffd}", stdout_base64: "YeKC" });
  });

  test("of whose output nothing could be kept goes on to its end, and says so", async () => {
    const here = await place();
    mkdirSync(here.workspace.files.output, { recursive: true });
    writeFileSync(join(here.workspace.files.output, "1.out.cut"), "");
    const result = await exec(here, request("echo out; echo err >&2"));
    expect(result).toMatchObject({ ...ended, ...noOutput, stderr: "err\n", stdout_truncated: true, dropped_bytes: 4 });
    expect(await wait(here.workspace)).toEqual(result);
    const range = { sequence: 1, stream: "stderr", offset: 1, maxBytes: 2 } as const;
    expect(await commandOutput(here.workspace, range)).toEqual({
      text: "rr",
      base64: undefined,
      nextOffset: 3,
      totalBytes: 4,
    });
  });

  test("whose machine goes away is lost, and not said to have ended", async () => {
    const here = await place();
    const running = exec(here, request("echo up; sleep 3600"));
    await written(here.workspace, 3);
    await here.world.guests[0]?.live[Symbol.asyncDispose]();
    const lost = { state: "lost", exit_code: null, signal: null, stdout: "up\n" };
    expect(await running).toMatchObject(lost);
    expect(await wait(here.workspace)).toMatchObject(lost);
    while (here.workspace.record.state !== "stopped") await new Promise((resolve) => setImmediate(resolve));
    // Saves are in order: once this one is done, so is that of the machine's end.
    await here.workspace.save({});
  });
});

/** Its child says that it is ready, and prints once more when it is told to go on. */
const leaving =
  "exec 3>&2; (trap 'echo late; echo later >&3; exit' USR1; echo ready; while :; do sleep 0.05; done 2>/dev/null) & echo own; exit 3";

async function goOn(here: Place, live: LiveMachine): Promise<void> {
  while ((await commandOutput(here.workspace, outputOf("stdout"))).text !== "own\nready\n")
    await new Promise((resolve) => setImmediate(resolve));
  await live.session.processes.signal({ processId: "e1", signal: 10, target: SignalTarget.TREE });
}

function outputOf(stream: "stdout" | "stderr") {
  return { sequence: 1, stream, offset: 0, maxBytes: 1000 };
}

async function outputs(workspace: Workspace): Promise<readonly string[]> {
  const both = [outputOf("stdout"), outputOf("stderr")].map((range) => commandOutput(workspace, range));
  return (await Promise.all(both)).map(({ text }) => text.split("\n").toSorted().join(" ").trim());
}

function liveOf({ workspace }: Place): LiveMachine {
  if (workspace.live === undefined) throw new Error("It has no machine.");
  return workspace.live;
}

describe("what a command leaves in the background", () => {
  test("is told of in its result, its history and the status, and what that prints is kept until it ends", async () => {
    const here = await place();
    const result = await exec(here, request(leaving));
    expect(result).toMatchObject({ state: "exited", exit_code: 3, background_commands: [1] });
    expect(await history(here.workspace)).toMatchObject([{ sequence: 1, state: "exited", background: true }]);
    expect((await workspaceStatus(here.workspace)).backgroundCommands).toEqual([1]);
    const { ended: end } = here.workspace.background.get(1) ?? {};
    await goOn(here, liveOf(here));
    await end;
    expect(await outputs(here.workspace)).toEqual(["late own ready", "later"]);
    expect(await wait(here.workspace)).toMatchObject({ exit_code: 3, stderr: "later\n", background_commands: [] });
    expect(await history(here.workspace)).toMatchObject([{ background: false, stderr_bytes: 6 }]);
  });

  test("is gone with a command that was killed", async () => {
    const here = await place();
    const result = await exec(here, request("sleep 3600 & sleep 3600", { timeoutMs: 300 }));
    expect(result).toMatchObject({ timed_out: true, background_commands: [] });
    expect(here.workspace.background.size).toBe(0);
  });

  test("goes on over the daemon's restart, and so does what is kept of its output", async () => {
    const here = await place();
    await exec(here, request(leaving));
    while ((await outputs(here.workspace))[0] !== "own ready") await new Promise((resolve) => setImmediate(resolve));
    const left = here.workspace.background.get(1);
    handOver(here.world.store);
    here.agent().cut();
    await left?.ended;
    const { live } = await here.agent().machine();
    const next = { ...here, workspace: await nextDaemon(here, [live]) };
    expect(await history(next.workspace)).toMatchObject([{ state: "exited", exit_code: 3, background: true }]);
    const { ended: end } = next.workspace.background.get(1) ?? {};
    await goOn(next, live);
    await end;
    expect(await outputs(next.workspace)).toEqual(["late own ready", "later"]);
    const journal = await readJournal(next.workspace.files.journal);
    expect(journal.map(({ type }) => type)).toEqual(["created", "exec_started", "exec_ended"]);
  });

  test("is not known of an agent of an earlier version, which drops its output", async () => {
    const here = await place();
    const { session } = liveOf(here);
    Object.assign(session, { abilities: abilitiesOf(["heartbeats"]) });
    expect(await exec(here, request(leaving))).toMatchObject({ exit_code: 3, background_commands: [] });
    expect(here.workspace.background.size).toBe(0);
  });
});

/** A daemon that finds what the one before left, with a machine that still runs. */
async function nextDaemon({ world, workspace }: Place, adopted: readonly LiveMachine[]): Promise<Workspace> {
  const store = await WorkspaceStore.open(join(world.folder, "state"));
  await resumeWorkspaces(store, { ...world.machines, adopted });
  return store.find(workspace.id);
}

describe("the next daemon", () => {
  const counting = "i=0; while [ $i -lt 40000 ]; do echo $i; i=$((i + 1)); done; echo end >&2; kill -TERM $$";
  const lines = Array.from({ length: 40_000 }, (_, line) => `${line}\n`).join("");

  test("goes on with a command where the last one stopped: its output is whole, and its end is learnt", async () => {
    const here = await place();
    await exec(here, request(counting, { waitMs: 0 }));
    await written(here.workspace, 1000);
    handOver(here.world.store);
    // As the end of its process does; whatever it has read is in the files then.
    here.agent().cut();
    await Promise.all([...here.workspace.execs.values()].map(({ ended: end }) => end));
    const { live } = await here.agent().machine();
    const workspace = await nextDaemon(here, [live]);
    const result = await wait(workspace, 1024 ** 2);
    expect(result).toMatchObject({ ...ended, exit_code: 143, signal: "TERM", stderr: "end\n", dropped_bytes: 0 });
    expect(result.stdout === lines).toBe(true);
    const journal = await readJournal(workspace.files.journal);
    expect(journal.map(({ type }) => type)).toEqual(["created", "exec_started", "exec_signaled", "exec_ended"]);
  });

  test("calls a command lost whose machine is gone, and keeps what there is of its output", async () => {
    const here = await place();
    await exec(here, request("echo up; sleep 3600", { waitMs: 0 }));
    await written(here.workspace, 3);
    handOver(here.world.store);
    await here.agent().kill();
    const workspace = await nextDaemon(here, []);
    expect(workspace.record.state).toBe("stopped");
    expect(await wait(workspace)).toMatchObject({ state: "lost", exit_code: null, stdout: "up\n" });
    expect((await history(workspace)).map(({ state }) => state)).toEqual(["lost"]);
    expect(existsSync(join(workspace.files.output, "1.out"))).toBe(true);
  });
});
