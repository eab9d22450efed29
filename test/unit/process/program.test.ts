// Proves the life of one program with the real agent: output by cursor over connections that break, signals, time, input, and what its outcome says.

import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import type { GuestSession } from "../../../src/guest/session.js";
import { pumpGuestInput } from "../../../src/process/input.js";
import type { Exited } from "../../../src/process/outcome.js";
import { openOutputMemory } from "../../../src/process/output-memory.js";
import {
  followGuestProgram,
  killGuestProgram,
  runGuestProgram,
  startGuestProgram,
  type GuestProgram,
} from "../../../src/process/program.js";
import { startRealAgent, type RealAgent } from "../../agent/real-agent.js";
import { HandClock } from "../../security/hostile-guest.js";

const never = new AbortController().signal;
const processId = "p1";
const hour = 3_600_000;

async function agent(): Promise<RealAgent> {
  const started = await startRealAgent();
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

const program = (script: string, more: Partial<GuestProgram> = {}) => ({
  ...{ argv: ["/bin/sh", "-c", script], env: ["PATH=/usr/bin:/bin"], cwd: "/tmp", timeoutMs: hour },
  ...more,
});

/** What a program wrote, each stream by itself. */
function collected() {
  const logs = { stdout: openOutputMemory(), stderr: openOutputMemory() };
  const textOf = async (stream: "stdout" | "stderr") => (await logs[stream].read(0, 2 ** 30)).toString();
  return {
    logs,
    output: (stream: "stdout" | "stderr", data: Uint8Array) => logs[stream].append(data),
    stdout: () => textOf("stdout"),
    stderr: () => textOf("stderr"),
  };
}

/** Runs it to its end in an agent of its own. */
async function run(script: string, more: Partial<GuestProgram> = {}, signal = never) {
  const session = await (await agent()).connect();
  const { output, stdout, stderr } = collected();
  const outcome = await runGuestProgram(session, { output, ...program(script, more) }, signal);
  return { outcome, stdout: await stdout(), stderr: await stderr() };
}

const exited = (exitCode: number, more: Partial<Exited> = {}) => ({
  ...{ state: "exited", exitCode, signal: null, timedOut: false, oomKilled: false, canceled: false },
  ...{ durationMs: expect.any(Number) as number, ...more },
});

describe("a program's outcome", () => {
  test("is its exit code, with its streams apart", async () => {
    expect(await run("echo out; echo err >&2; exit 3")).toEqual({
      outcome: exited(3),
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("names the signal that ended it; an exit code of 137 alone is none", async () => {
    const scripts = ["kill -KILL $$", "kill -SEGV $$", "kill -35 $$", "exit 137"];
    expect(await Promise.all(scripts.map(async (script) => (await run(script)).outcome))).toEqual([
      exited(137, { signal: "KILL" }),
      exited(139, { signal: "SEGV" }),
      exited(163, { signal: "RTMIN+1" }),
      exited(137),
    ]);
  });

  test("says that its time ran out, and nothing that it started is left", async () => {
    // Had the daemonised child survived, its end of the pipe would say so in the output.
    const { outcome, stdout } = await run("setsid sh -c 'sleep 3600; echo alive' & echo began; sleep 3600", {
      timeoutMs: 300,
    });
    expect([outcome, stdout]).toEqual([exited(124, { signal: "KILL", timedOut: true }), "began\n"]);
  });

  test("of what cannot be started is 127 or 126, with the reason", async () => {
    const started = [["no-such-program"], ["/etc/passwd"]];
    const ends = await Promise.all(started.map((argv) => run("", { argv })));
    expect(ends).toEqual([
      { outcome: exited(127), stdout: "", stderr: "pyro: no-such-program: not found\n" },
      { outcome: exited(126), stdout: "", stderr: "pyro: /etc/passwd: permission denied\n" },
    ]);
  });
});

describe("a program", () => {
  test("gets signals by name, and decides itself where it catches them", async () => {
    const ready = async (script: string, name: string) => {
      let send: ((name: string) => void) | undefined;
      const onStarted = (sender: (name: string) => void) => (send = sender);
      const output = () => Promise.resolve(send?.(name));
      return (await run(`${script} echo ready; while :; do sleep 0.01; done`, { onStarted, output })).outcome;
    };
    expect(await Promise.all([ready("", "TERM"), ready("trap 'exit 9' INT;", "INT")])).toEqual([
      exited(143, { signal: "TERM" }),
      exited(9),
    ]);
  });

  test("is killed with its whole tree when it is canceled", async () => {
    const session = await (await agent()).connect();
    await startGuestProgram(
      session,
      { processId, program: program("trap '' TERM; setsid sleep 3600 & echo up; wait") },
      never,
    );
    const output = () => Promise.resolve(killGuestProgram(session, processId));
    expect((await followGuestProgram(session, { processId, timeoutMs: hour, output }, never)).exited).toEqual(
      exited(137, { signal: "KILL" }),
    );
  });

  test("whose caller goes is given up at once", async () => {
    const gone = new AbortController();
    const reason = new Error("gone");
    const output = () => Promise.resolve(gone.abort(reason));
    await expect(run("echo up; sleep 3600", { output }, gone.signal)).rejects.toThrow("gone");
  });

  test("gets its input whole, whatever the size of its pieces, and then its end", async () => {
    const bytes = Buffer.alloc(1_000_003, "pyro\n");
    const stdin = Readable.from([bytes.subarray(0, 1), bytes.subarray(1, 700_000), bytes.subarray(700_000)]);
    const { stdout } = await run("cksum", { stdin });
    const { stdout: expected } = await run("yes pyro | head -c 1000003 | cksum");
    expect(stdout).toBe(expected);
  });

  test("that does not read its input ends when it ends", async () => {
    const stdin = new Readable({ read: () => undefined });
    stdin.push(Buffer.alloc(1_000_000));
    expect((await run("exit 4", { stdin })).outcome).toEqual(exited(4));
  });
});

/** 2 MiB in lines that differ, slower than they can be read. */
const long = "i=0; while [ $i -lt 64 ]; do seq $((i * 4000)) $((i * 4000 + 3999)); i=$((i + 1)); done; echo end >&2";
const expectedLines = Array.from({ length: 64 * 4000 }, (_, line) => `${line}\n`).join("");

describe("a connection that breaks", () => {
  test("after any number of bytes loses and repeats nothing of the output, and the end comes over the next one", async () => {
    const real = await agent();
    const { logs, output, stdout, stderr } = collected();
    let session: GuestSession = await real.connect();
    await startGuestProgram(session, { processId, program: program(long) }, never);
    const cuts = [];
    let outcome: Exited | undefined;
    // At first within the answers to the session's own first words, then ever later in the output.
    for (let bytes = 300; outcome === undefined; bytes = Math.ceil(bytes * 1.7)) {
      const from = { stdout: BigInt(logs.stdout.seenBytes), stderr: BigInt(logs.stderr.seenBytes) };
      const following = async () => {
        session = await real.connect({ cutAfterBytes: bytes });
        return (await followGuestProgram(session, { processId, timeoutMs: hour, from, output }, never)).exited;
      };
      outcome = await following().catch((error: unknown) => {
        cuts.push(String(error));
        return undefined;
      });
    }
    expect(outcome).toEqual(exited(0));
    expect(cuts.length).toBeGreaterThan(5);
    expect((await stdout()) === expectedLines).toBe(true);
    expect(await stderr()).toBe("end\n");
  });

  test("while its output waits for a reader leaves the program where it is: it goes on when somebody follows again", async () => {
    const real = await agent();
    const first = await real.connect();
    await startGuestProgram(first, { processId, program: program("head -c 9000000 /dev/zero; echo done >&2") }, never);
    // Nobody acknowledges: the guest keeps 4 MiB and lets the program wait.
    const stuck = followGuestProgram(
      first,
      { processId, timeoutMs: hour, output: () => new Promise(() => undefined) },
      never,
    );
    real.cut();
    await first.closed;
    stuck.catch(() => undefined);
    const { logs, output, stderr } = collected();
    const second = await real.connect();
    const { exited: end } = await followGuestProgram(second, { processId, timeoutMs: hour, output }, never);
    expect(end).toEqual(exited(0));
    expect([logs.stdout.seenBytes, await stderr()]).toEqual([9_000_000, "done\n"]);
  });

  test("does not swallow input: the same piece is taken once", async () => {
    const real = await agent();
    const session = await real.connect();
    const started = program("cat; echo end >&2", { stdin: Readable.from([]) });
    await startGuestProgram(session, { processId, program: started }, never);
    const data = Uint8Array.from(Buffer.from("piece\n"));
    await session.processes.writeInput({ processId, offset: 0n, data, end: false });
    const again = await real.connect();
    await pumpGuestInput(
      { session: again, processId, stdin: Readable.from([Buffer.from("piece\nand more\n")]) },
      never,
    );
    const { output, stdout } = collected();
    await followGuestProgram(again, { processId, timeoutMs: hour, output }, never);
    expect(await stdout()).toBe("piece\nand more\n");
  });
});

test("an agent that falls silent is given up after two minutes that count, and the program with it", async () => {
  const real = await agent();
  const clock = new HandClock();
  const session = await real.connect({ ticks: clock.ticks });
  await startGuestProgram(session, { processId, program: program("echo up; sleep 3600") }, never);
  let isUp = (): void => undefined;
  const up = new Promise<void>((resolve) => (isUp = resolve));
  const output = () => Promise.resolve(isUp());
  const end = followGuestProgram(session, { processId, timeoutMs: hour, output }, never).catch(
    (error: unknown) => error,
  );
  await up;
  real.freeze();
  await clock.pass(119_000);
  const pending = await Promise.race([end, Promise.resolve("pending")]);
  await clock.pass(3000);
  expect([pending, await end]).toEqual([
    "pending",
    expect.objectContaining({ code: "deadline_exceeded", message: "The machine did not answer in time." }),
  ]);
});
