// Owns which tests run how: unit and contract start no machine, e2e and hosts do and share two cores.

import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

const E2E_SETUP = "test/e2e/setup.ts";
const HOSTS_SETUP = "test/hosts/setup.ts";
const ROOT = import.meta.dirname;

export default defineConfig({
  test: {
    allowOnly: false,
    projects: [
      {
        test: {
          name: "unit",
          root: ROOT,
          include: ["src/**/*.test.ts", "test/unit/**/*.test.ts", "test/security/**/*.test.ts"],
          setupFiles: ["test/unit/property-seed.ts"],
          // Only for what hangs: a busy machine is slow.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      { test: { name: "contract", root: ROOT, include: ["test/contract/**/*.test.ts"], testTimeout: 600_000 } },
      {
        test: {
          name: "e2e",
          root: ROOT,
          include: ["test/e2e/**/*.test.ts"],
          setupFiles: ["test/e2e/audit.ts"],
          ...(existsSync(`${ROOT}/${E2E_SETUP}`) ? { globalSetup: [E2E_SETUP] } : {}),
          // Only for what hangs: a busy machine is slow.
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
          pool: "forks",
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "hosts",
          root: ROOT,
          include: ["test/hosts/**/*.test.ts"],
          globalSetup: [HOSTS_SETUP],
          // Only for what hangs: a busy machine is slow.
          testTimeout: 1_200_000,
          hookTimeout: 600_000,
          pool: "forks",
          maxWorkers: 1,
        },
      },
    ],
  },
});
