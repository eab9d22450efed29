// Proves that npm ci accepts package-lock.json wherever it runs, and that the lock names no host.

import { expect, test } from "vitest";
import * as z from "zod";
import { checkoutFiles } from "./checkout.js";

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      resolved: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

const lock = lockSchema.parse(JSON.parse(checkoutFiles((path) => path === "package-lock.json")[0]?.text ?? "{}"));

test("every optional package of every platform is in the lock (if not: node scripts/complete-lock.mjs)", () => {
  const missing = Object.entries(lock.packages).flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        lock.packages[`node_modules/${name}`]?.version === undefined &&
        lock.packages[`${parent}/node_modules/${name}`]?.version === undefined,
    ),
  );
  expect(missing).toEqual([]);
});

test("the lock leaves it to the user's npm settings where packages come from", () => {
  expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});
