// Owns that nothing is left without an owner in the shared home when a test file ends. Never cleans up.

import { deepStrictEqual } from "node:assert";
import { afterAll } from "vitest";
import { ownerless, sharedHome } from "./home.js";

afterAll(async () => {
  deepStrictEqual(await ownerless(sharedHome().path), []);
});
