// Proves how old, how used and how near their end workspaces are in the list that a person reads.
import { expect, test } from "vitest";
import type { WorkspaceView } from "../../../src/operations/workspace-fields.js";
import { durationText, workspaceTable } from "../../../src/operations/workspace-text.js";

const now = Date.parse("2026-05-10T12:00:00Z");

const view: WorkspaceView = {
  ...{ workspace_id: "ws_a", name: "fix", labels: {}, state: "running", environment: "debian:12", vcpu_count: 1 },
  ...{ mem_mib: 1024, ttl_seconds: 28_800, network_policy: "off", created_at: "2026-05-08T11:00:00Z" },
  ...{ last_active_at: "2026-05-10T11:57:30Z", last_reset_at: null, stopped_at: null, deletes_at: null },
  ...{ failure: null, phase: null, workspace_seed: null },
};

test("the list says the age, the last use, and in how long a stopped workspace will be deleted", () => {
  const stopped = {
    ...view,
    ...{ workspace_id: "ws_b", name: null, state: "stopped", deletes_at: "2026-05-16T13:00:00Z" },
  };
  expect(workspaceTable([view, { ...stopped, state: "stopped" }], now).split("\n")).toEqual([
    "ID    NAME  STATE    ENVIRONMENT  SEED  LABELS  AGE  LAST USE   DELETED",
    "ws_a  fix   running  debian:12    -     -       2 d  2 min ago  -",
    "ws_b  -     stopped  debian:12    -     -       2 d  2 min ago  in 6 d",
  ]);
});

test.each([
  [-5000, "0 s"],
  [59_400, "59 s"],
  [60_000, "1 min"],
  [3_599_000, "59 min"],
  [7_200_000, "2 h"],
  [200_000_000, "2 d"],
])("%i ms are %s", (milliseconds, text) => expect(durationText(milliseconds)).toBe(text));
