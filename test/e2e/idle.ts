// Owns waiting until a home's daemon has nothing to do. Machines that wait in the pool do not count.

import { eventually } from "./eventually.js";
import type { Home } from "./home.js";

/** Resolves with what still runs in the end; zeroes unless something is stuck. Only for homes that one test uses. */
export async function idle(home: Home): Promise<{ readonly calls: number; readonly machines: number }> {
  const look = async () => {
    const { stdout } = await home.pyro(["daemon", "status", "--json"]);
    const status = JSON.parse(stdout.toString());
    return { calls: Number(status.running_calls), machines: Number(status.running_machines) };
  };
  return eventually(look, ({ calls, machines }) => calls === 0 && machines === 0);
}

export const nothing = { calls: 0, machines: 0 };
