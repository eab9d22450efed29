// Owns keeping processor cores busy beside a storm. Ends what it started, and nothing else.

import { spawn } from "node:child_process";

/**
 * @template Result
 * @param {number} cores
 * @param {() => Promise<Result>} body
 * @returns {Promise<Result>}
 */
export async function withBusyCores(cores, body) {
  const burners = Array.from({ length: cores }, () => spawn("yes", { stdio: "ignore" }));
  try {
    return await body();
  } finally {
    for (const burner of burners) burner.kill("SIGKILL");
  }
}
