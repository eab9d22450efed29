// Proves that the first interrupt is the guest's and the second one pyro's.
import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { watchInterrupts } from "../../../../src/surface/cli/interrupts.js";

test("an interrupt before the guest's program runs cancels at once", () => {
  const process = new EventEmitter();
  using interrupts = watchInterrupts(process);
  process.emit("SIGINT");
  expect([interrupts.signal.aborted, interrupts.canceledBy()]).toEqual([true, "SIGINT"]);
});

test("the first interrupt goes to the guest's program, the second cancels, whichever they are", () => {
  const process = new EventEmitter();
  using interrupts = watchInterrupts(process);
  const sent: string[] = [];
  interrupts.forwardTo((name) => sent.push(name));
  process.emit("SIGTERM");
  expect([sent, interrupts.signal.aborted]).toEqual([["TERM"], false]);
  process.emit("SIGINT");
  expect([sent, interrupts.signal.aborted, interrupts.canceledBy()]).toEqual([["TERM"], true, "SIGINT"]);
});

test("afterwards interrupts are the process's own again", () => {
  const process = new EventEmitter();
  watchInterrupts(process)[Symbol.dispose]();
  expect(process.eventNames()).toEqual([]);
});
