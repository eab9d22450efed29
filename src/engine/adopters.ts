// Owns which engines' machines can be taken over, whatever this host would start new ones on. Never starts one.
import type { Adopt } from "./engine.js";
import { adoptQemu, qemuName } from "./qemu/qemu.js";

/** By the name that stands in a machine's record. */
export const adopters: ReadonlyMap<string, Adopt> = new Map([[qemuName, adoptQemu]]);
