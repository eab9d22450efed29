// Owns doing one thing many times in a row: how often it failed and how long it took. Stops at nothing.

/**
 * @param {number} rounds
 * @param {() => Promise<{random: string}>} once
 */
export async function storm(rounds, once) {
  const times = [];
  const failures = [];
  const randoms = [];
  for (let round = 1; round <= rounds; round += 1) {
    const started = performance.now();
    try {
      randoms.push((await once()).random);
      times.push(performance.now() - started);
    } catch (error) {
      failures.push(`round ${round}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  times.sort((left, right) => left - right);
  const at = (share) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return { rounds, passed: times.length, failures, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1), randoms };
}
