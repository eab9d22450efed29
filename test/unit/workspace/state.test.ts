// Proves what every event makes of every state of a workspace: no pair is left to chance.

import { expect, test } from "vitest";
import { recorded, stateIn } from "../../../src/workspace/record/recorded-state.js";
import type { WorkspaceRecord } from "../../../src/workspace/record/record.js";
import { next, type Event, type Refusal, type State, type Stopped } from "../../../src/workspace/state.js";
import type { LiveMachine } from "../../../src/machine/machine-host.js";

type At = State["at"];

/** Compared by identity only. */
const machine = { id: "vm_mine" } as LiveMachine;
const another = { id: "vm_another" } as LiveMachine;
const flushed = Promise.resolve(true);
const now = Date.parse("2026-11-28T12:00:00.000Z");
const before: Stopped = { at: "stopped", since: now - 1000, why: "The machine ended: killed" };

const states: { readonly [Each in At]: Extract<State, { at: Each }> } = {
  creating: { at: "creating", phase: null },
  starting: { at: "starting", before },
  running: { at: "running", machine },
  stopping: { at: "stopping", machine, flushed },
  stopped: before,
  replacing: { at: "replacing", by: "reset", machine },
  failed: { at: "failed", why: "Its reset came to no end" },
  deleting: { at: "deleting", because: "deleted", machine },
  left: { at: "left" },
};

const events: { readonly [Each in Event["type"]]: Extract<Event, { type: Each }> } = {
  progress: { type: "progress", phase: "Packing" },
  start: { type: "start" },
  started: { type: "started", machine, now },
  not_started: { type: "not_started", now, why: null },
  stop: { type: "stop", flushed },
  ended: { type: "ended", machine, now, why: "killed" },
  reset: { type: "reset" },
  emptied: { type: "emptied", now },
  spoiled: { type: "spoiled", why: "EIO" },
  delete: { type: "delete", because: "deleted" },
  hand_over: { type: "hand_over" },
};

/** The next state, or why the state stays; `-` is `moot`. */
const table = `
            progress   start      started    not_started stop       ended      reset      emptied    spoiled    delete     hand_over
creating    creating   unmade     running    -           -          -          unmade     -          -          deleting   -
starting    -          busy       running    stopped     -          -          busy       -          -          deleting   left
running     -          -          busy       -           stopping   stopped    replacing  -          -          deleting   left
stopping    -          busy       busy       -           -          stopped    replacing  -          -          deleting   -
stopped     -          starting   busy       -           -          -          replacing  -          -          deleting   left
replacing   -          busy       busy       -           -          -          busy       stopped    failed     deleting   -
failed      -          failed     failed     -           -          -          replacing  -          -          deleting   left
deleting    -          deleted    deleted    -           -          -          deleted    -          -          -          -
left        -          left       left       -           -          -          left       -          -          left       -
`;

test("every state makes of every event what the table says", () => {
  const row = (name: string, cells: readonly string[]) => [name, ...cells].join(" ");
  const rows = Object.entries(states).map(([at, state]) =>
    row(
      at,
      Object.values(events).map((event) => cell(next(state, event))),
    ),
  );
  const told = table.trim().split("\n");
  expect([row("", Object.keys(events)).trim(), ...rows]).toEqual(
    told.map((line) => line.trim().split(/ +/u).join(" ")),
  );
});

test.for<[name: string, state: State, event: Event, then: State | Refusal]>([
  ["creation tells what it does", states.creating, events.progress, { at: "creating", phase: "Packing" }],
  ["a machine that comes is the workspace's", states.starting, events.started, { at: "running", machine }],
  ["a start that fails leaves it stopped as it was", states.starting, events.not_started, before],
  [
    "a machine that an earlier daemon left and nobody finds is one that ended",
    { at: "starting", before: null },
    { type: "not_started", now, why: "gone" },
    { at: "stopped", since: now, why: "gone" },
  ],
  ["a machine that is told to end may still write", states.running, events.stop, states.stopping],
  ["the end of the machine stops it", states.running, events.ended, { at: "stopped", since: now, why: "killed" }],
  [
    "the end it was told to come to stops it",
    states.stopping,
    events.ended,
    { at: "stopped", since: now, why: "killed" },
  ],
  [
    "the end of another machine means nothing",
    states.running,
    { type: "ended", machine: another, now, why: null },
    { refused: "moot" },
  ],
  [
    "the end of another machine means nothing to one that stops",
    states.stopping,
    { type: "ended", machine: another, now, why: null },
    { refused: "moot" },
  ],
  ["a reset knows which machine has to end first", states.stopping, events.reset, states.replacing],
  ["a reset of what failed has no machine to end", states.failed, events.reset, { ...states.replacing, machine: null }],
  [
    "a reset leaves it stopped, for no reason",
    states.replacing,
    events.emptied,
    { at: "stopped", since: now, why: null },
  ],
  [
    "a reset that goes wrong leaves it failed, and says why",
    states.replacing,
    events.spoiled,
    { at: "failed", why: "EIO" },
  ],
  ["a delete knows which machine has to end", states.running, events.delete, states.deleting],
  [
    "a creation that fails says so to who waited for it",
    { at: "deleting", because: "unmade", machine: null },
    events.start,
    { refused: "unmade" },
  ],
])("%s", ([, state, event, then]) => {
  expect(next(state, event)).toEqual(then);
});

test("what a later daemon can go on with is on record, and read back as what it finds", () => {
  const found = mapped(states, (state) => {
    const fields = recorded(state, events.reset);
    return fields === null ? null : stateIn({ ...record, ...fields });
  });
  expect(found).toEqual({
    ...{ creating: null, starting: null, stopping: null, deleting: null, left: null },
    running: { at: "starting", before: null },
    stopped: before,
    replacing: { at: "replacing", by: "reset", machine: null },
    failed: states.failed,
  });
});

test("a record says when it was used and reset", () => {
  const at = new Date(now).toISOString();
  expect([recorded(states.running, events.started), recorded({ ...before, since: now }, events.emptied)]).toEqual([
    { state: "running", machine_id: "vm_mine", failure: null, stopped_at: null, last_active_at: at },
    { state: "stopped", machine_id: null, failure: before.why, stopped_at: at, last_reset_at: at },
  ]);
});

const record: WorkspaceRecord = {
  ...{ format: 1, id: "ws_aaaaaaaaaaaa", name: null, labels: {}, vcpu_count: 1, mem_mib: 128, ttl_seconds: 60 },
  environment: { name: "debian:12", image_digest: "", image_bytes: 0, env: [], source: "", installed_at: "" },
  ...{ network_policy: "off", state: "creating", failure: null, machine_id: null, disk_bytes_virtual: 0, seed: null },
  ...{ next_sequence: 1, created_at: "", last_active_at: "", last_reset_at: null, stopped_at: null },
};

function cell(result: State | Refusal): string {
  if (!("refused" in result)) return result.at;
  return result.refused === "moot" ? "-" : result.refused;
}

function mapped<Value, Result>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
