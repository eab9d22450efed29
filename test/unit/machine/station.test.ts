// Proves that work goes on where KVM is lost under a daemon: once more on what the host has now, with one line that says so.

import { expect, test } from "vitest";
import { PyroError } from "../../../src/base/error.js";
import type { ProgressEvent } from "../../../src/base/progress.js";
import { EndedAtStart } from "../../../src/engine/ended-at-start.js";
import type { Engine } from "../../../src/engine/engine.js";
import { unusableEngine } from "../../../src/engine/unusable.js";
import { openPool } from "../../../src/machine/pool/pool.js";
import { openStations, type Station } from "../../../src/machine/station.js";

const engine = (accelerator: string, more: Partial<Engine> = {}): Engine => {
  const { unusable: _, ...rest } = unusableEngine(new PyroError("unavailable", "for the test"));
  return { ...rest, accelerator, ...more };
};
const kvm = engine("kvm");
const tcg = engine("tcg", { fasterFails: "another hypervisor holds the processor" });
const lost = new EndedAtStart("exited (exit 1, signal 0): no /dev/kvm");

interface Opened {
  readonly events: readonly ProgressEvent[];
  readonly judged: () => number;
  readonly closed: readonly string[];
  /** Runs work that fails as given where machines run on the first engine. */
  use(failure: Error, signal?: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

function open(first: Engine, judgeAgain: (signal: AbortSignal) => Promise<Engine>): Opened {
  const events: ProgressEvent[] = [];
  const closed: string[] = [];
  let judged = 0;
  const stations = openStations({
    engine: first,
    judgeAgain: (signal) => {
      judged += 1;
      return judgeAgain(signal);
    },
    open: (current): Station => {
      const pool = openPool({ size: 0, idleMs: 1000, make: () => Promise.reject(lost) });
      const close = async () => {
        await pool.close();
        closed.push(current.accelerator);
      };
      return { engine: current, templates: {} as never, pool: Object.assign(Object.create(pool), { close }) };
    },
  });
  const progress = (event: ProgressEvent) => void events.push(event);
  return {
    ...{ events, closed, judged: () => judged, close: stations.close },
    use: (failure, signal = new AbortController().signal) =>
      stations.use({ signal, progress }, ({ engine: { accelerator } }) =>
        accelerator === first.accelerator ? Promise.reject(failure) : Promise.resolve(accelerator),
      ),
  };
}

test("what ends at its start on KVM is done again on what the host has now, and one line says so; later work begins there", async () => {
  const opened = open(kvm, async () => tcg);
  expect(await opened.use(lost)).toBe("tcg");
  const line =
    "KVM no longer works (another hypervisor holds the processor); going on with software emulation, which is slower";
  expect(opened.events.filter(({ phase }) => phase === "notice")).toEqual([{ phase: "notice", message: line }]);
  expect(await opened.use(lost)).toBe("tcg");
  expect([opened.judged(), opened.events.filter(({ phase }) => phase === "notice").length]).toEqual([1, 1]);
  await opened.close();
  expect([...opened.closed].sort()).toEqual(["kvm", "tcg"]);
});

test("a boot that never answers on KVM has the host judged again too", async () => {
  expect(await open(kvm, async () => tcg).use(new PyroError("deadline_exceeded", "silence"))).toBe("tcg");
});

test("several that fail at once share one measurement", async () => {
  const opened = open(kvm, async () => tcg);
  expect(await Promise.all([opened.use(lost), opened.use(lost), opened.use(lost)])).toEqual(["tcg", "tcg", "tcg"]);
  expect(opened.judged()).toBe(1);
});

test("where KVM is as good as before the failure is the caller's, in the process's own words", async () => {
  const opened = open(kvm, async () => engine("kvm"));
  await expect(opened.use(lost)).rejects.toBe(lost);
  expect(opened.closed).toEqual([]);
});

test("KVM that is asked for by name is never replaced: the refusal is new, and what failed is its cause", async () => {
  const refused = new PyroError("unavailable", "KVM is wanted, but of no use here: it is busy.", { hint: "Set auto." });
  const opened = open(kvm, async () => unusableEngine(refused));
  const error = await opened.use(lost).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "unavailable", message: refused.message, hint: "Set auto.", cause: lost });
});

test("nothing is measured for what says nothing against KVM, or where emulation fails", async () => {
  const fine = open(kvm, async () => tcg);
  const full = new PyroError("resource_exhausted", "no room");
  await expect(fine.use(full)).rejects.toBe(full);
  const emulated = open(tcg, async () => kvm);
  await expect(emulated.use(lost)).rejects.toBe(lost);
  expect([fine.judged(), emulated.judged()]).toEqual([0, 0]);
});

test("a caller that leaves while the host is judged does not work on; who stays does", async () => {
  const leaving = new AbortController();
  const opened = open(kvm, async () => {
    leaving.abort(new PyroError("canceled", "gone"));
    return tcg;
  });
  const [left, stayed] = await Promise.allSettled([opened.use(lost, leaving.signal), opened.use(lost)]);
  expect([left.status, stayed.status]).toEqual(["rejected", "fulfilled"]);
});
