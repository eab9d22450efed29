// Proves that no call to a guest is without a bound, that silence alone ends no command, and that heartbeats keep none beyond its time.

import { Readable } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { BoundedClient } from "../../src/guest/bounded-client.js";
import { FollowResponseSchema, type FollowResponse } from "../../src/guest/gen/pyro/guest/v1/guest_pb.js";
import { FileService } from "../../src/guest/gen/pyro/guest/v1/files_pb.js";
import { MachineService, ProcessService } from "../../src/guest/gen/pyro/guest/v1/guest_pb.js";
import { pumpGuestInput } from "../../src/process/input.js";
import { followGuestProgram } from "../../src/process/program.js";
import type { Exited } from "../../src/process/outcome.js";
import { abilitiesOf } from "../../src/guest/session.js";
import { longestTotalMs } from "../../src/guest/time.js";
import { HandClock, nextTurn, openHostileGuest, silence, silentStream } from "./hostile-guest.js";

const never = new AbortController().signal;
const tenMinutes = 10 * 60_000;

type Event = FollowResponse["event"];
const heartbeat: Event = { case: "heartbeat", value: { $typeName: "pyro.guest.v1.Heartbeat" } };

/** What a follower is sent, when the test says so. */
class Sender {
  readonly #waiting: Event[] = [];
  #wake = (): void => undefined;

  send(event: Event): void {
    this.#waiting.push(event);
    this.#wake();
  }

  async *stream(): AsyncGenerator<FollowResponse> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) yield create(FollowResponseSchema, { event });
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

const exit: Event = {
  case: "exit",
  value: {
    ...{ $typeName: "pyro.guest.v1.Exit", exitCode: 7, signal: 0, timedOut: false, oomKilled: false },
    ...{ durationNanos: 5_000_000n, background: false },
  },
};

/** What became of it, as far as is known. */
function outcomeOf(work: Promise<unknown>): { now: unknown } {
  const outcome: { now: unknown } = { now: "pending" };
  work.then(
    (value) => (outcome.now = value),
    (error: unknown) => (outcome.now = error),
  );
  return outcome;
}

async function follow(session: Parameters<typeof followGuestProgram>[0], timeoutMs: number): Promise<Exited> {
  const program = { processId: "e1", timeoutMs, output: () => Promise.resolve() };
  return (await followGuestProgram(session, program, never)).exited;
}

const outOfTime = { code: "deadline_exceeded", message: "The machine did not answer in time." };

describe("a command that says nothing", () => {
  test("lives for ten minutes while its agent says that it is there", async () => {
    const clock = new HandClock();
    const sender = new Sender();
    await using guest = await openHostileGuest({ processes: { follow: () => sender.stream() } }, clock.ticks);
    const following = follow(guest.session, 20 * 60_000);
    const outcome = outcomeOf(following);
    for (let beats = 0; beats < tenMinutes / 10_000; beats += 1) {
      sender.send(heartbeat);
      await clock.pass(10_000);
    }
    expect(outcome.now).toBe("pending");
    sender.send(exit);
    expect(await following).toEqual({
      ...{ state: "exited", exitCode: 7, signal: null, timedOut: false, oomKilled: false, canceled: false },
      durationMs: 5,
    });
  });

  test("is given up two minutes after its agent has fallen silent, not before", async () => {
    const clock = new HandClock();
    await using guest = await openHostileGuest({ processes: { follow: silentStream } }, clock.ticks);
    const outcome = outcomeOf(follow(guest.session, tenMinutes));
    await clock.pass(119_000);
    expect(outcome.now).toBe("pending");
    await clock.pass(2000);
    expect(outcome.now).toMatchObject(outOfTime);
  });

  test("is not given up for the time in which its machine was paused or the host slept", async () => {
    const clock = new HandClock();
    await using guest = await openHostileGuest({ processes: { follow: silentStream } }, clock.ticks);
    const outcome = outcomeOf(follow(guest.session, tenMinutes));
    guest.pause(true);
    await clock.pass(tenMinutes);
    guest.pause(false);
    await clock.pass(100_000);
    clock.sleep(8 * 60 * 60_000);
    await clock.pass(15_000);
    expect(outcome.now).toBe("pending");
    await clock.pass(5000);
    expect(outcome.now).toMatchObject(outOfTime);
  });

  test("with an agent of an earlier version, which sends no heartbeats, lives as long as it may run", async () => {
    const clock = new HandClock();
    await using guest = await openHostileGuest({ processes: { follow: silentStream } }, clock.ticks);
    const outcome = outcomeOf(follow({ ...guest.session, abilities: abilitiesOf([]) }, tenMinutes));
    await clock.pass(tenMinutes + 29_000);
    expect(outcome.now).toBe("pending");
    await clock.pass(2000);
    expect(outcome.now).toMatchObject(outOfTime);
  });
});

test("heartbeats keep no command half a minute beyond its own time", async () => {
  const clock = new HandClock();
  const sender = new Sender();
  await using guest = await openHostileGuest({ processes: { follow: () => sender.stream() } }, clock.ticks);
  const outcome = outcomeOf(follow(guest.session, 60_000));
  for (let second = 0; second < 89; second += 1) {
    sender.send(heartbeat);
    await clock.pass(1000);
  }
  expect(outcome.now).toBe("pending");
  sender.send(heartbeat);
  await clock.pass(2000);
  expect(outcome.now).toMatchObject(outOfTime);
});

test("a reader that takes its time is no silence of the guest", async () => {
  const clock = new HandClock();
  const sender = new Sender();
  await using guest = await openHostileGuest({ processes: { follow: () => sender.stream() } }, clock.ticks);
  let goOn = (): void => undefined;
  const busy = new Promise<void>((resolve) => (goOn = resolve));
  const program = { processId: "e1", timeoutMs: 1000, output: () => busy };
  const following = followGuestProgram(guest.session, program, never);
  sender.send({ case: "stdout", value: { $typeName: "pyro.guest.v1.Chunk", offset: 0n, data: Buffer.from("x") } });
  await clock.pass(tenMinutes);
  goOn();
  sender.send(exit);
  expect((await following).exited).toMatchObject({ exitCode: 7 });
});

test("input that nobody reads is offered again, and taken once", async () => {
  const clock = new HandClock();
  const offered: (readonly [bigint, string])[] = [];
  const writeInput = async ({ offset, data, end }: { offset: bigint; data: Uint8Array; end: boolean }) => {
    offered.push([offset, end ? "end" : Buffer.from(data).toString()]);
    return offered.length < 3 ? silence() : { nextOffset: offset + BigInt(data.length), closed: false };
  };
  await using guest = await openHostileGuest({ processes: { writeInput } }, clock.ticks);
  const pumped = pumpGuestInput(
    { session: guest.session, processId: "e1", stdin: Readable.from([Buffer.from("hello")]) },
    never,
  );
  while (offered.length < 3) await clock.pass(30_000);
  await pumped;
  expect(offered).toEqual([
    [0n, "hello"],
    [0n, "hello"],
    [0n, "hello"],
    [5n, "end"],
  ]);
});

describe("every call that a guest does not answer comes to an end", () => {
  const services = { machine: MachineService, processes: ProcessService, files: FileService } as const;
  const calls = Object.entries(services).flatMap(([service, { method }]) =>
    Object.entries(method).map(([name, { methodKind }]) => ({ service, name, methodKind })),
  );

  test.each(calls)("$service $name", async ({ service, name, methodKind }) => {
    const clock = new HandClock();
    const silent = { [name]: methodKind === "server_streaming" ? silentStream : silence };
    await using guest = await openHostileGuest({ [service]: silent }, clock.ticks);
    const client = guest.session[service as keyof typeof services] as BoundedClient<typeof FileService>;
    const call = client[name as keyof typeof client] as (request: unknown) => unknown;
    const outcome = outcomeOf(used(call(methodKind === "client_streaming" ? nothing() : {})));
    await clock.pass(longestTotalMs + 1000);
    expect(outcome.now).toMatchObject({ code: "deadline_exceeded" });
  });

  async function used(answer: unknown): Promise<void> {
    if (typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer) {
      for await (const _ of answer as AsyncIterable<unknown>);
    } else await answer;
  }

  async function* nothing(): AsyncGenerator {
    yield {};
  }
});

test("a call that waits ends with its machine", async () => {
  await using guest = await openHostileGuest({ files: { commit: silence } });
  const outcome = outcomeOf(guest.session.files.commit({ stageId: "x" }, { bound: { totalMs: tenMinutes } }));
  await nextTurn();
  await guest.live.machine.kill();
  await nextTurn();
  expect(outcome.now).toMatchObject({ code: "unavailable" });
});
