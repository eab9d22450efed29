// Owns the parts of the smoke test: what runs in one start of a host, and about how long it takes. Never starts one.

import { adoption } from "./adoption.mjs";
import { openAccount } from "./account.mjs";
import { gone } from "./gone.mjs";
import { guest } from "./guest.mjs";
import { life, machines, processors } from "./life.mjs";

/**
 * @typedef {object} Place
 * @property {import("./emulated-host.mjs").EmulatedHost} machine
 * @property {import("./hosts.mjs").Host} host
 * @property {ReturnType<typeof import("./checks.mjs").openChecks>["check"]} check
 */

/** A user's whole day, on what that user is allowed to use. */
function day(user, accelerator, steps) {
  return async ({ machine, host, check }) => {
    const account = await openAccount(machine, user);
    for (const step of steps) await step({ account, accelerator, host, check });
  };
}

/** @type {{name: string, minutes: number, run: (place: Place) => Promise<void>}[]} */
export const PARTS = [
  { name: "ada", minutes: 10, run: day("ada", "kvm", [machines, life, adoption, guest]) },
  { name: "root", minutes: 8, run: day("root", "kvm", [machines, life, adoption]) },
  { name: "bob", minutes: 15, run: day("bob", "tcg", [machines, life]) },
  { name: "gone", minutes: 12, run: gone },
  { name: "processors", minutes: 10, run: day("ada", "kvm", [processors]) },
];
