// Owns what a user reads about what an operation needs of its workspace. Never enters one.
import type { Need } from "../workspace/access.js";

export const needsText: Readonly<Record<Need, string>> = {
  record: "Needs no machine: a stopped workspace stays stopped.",
  beside: "Starts the workspace where it is stopped; works beside other calls.",
  alone: "Starts the workspace where it is stopped; waits until no other call works in it. Running commands go on.",
  stopped: "Works on a stopped workspace too; waits for no command or call in it.",
};
