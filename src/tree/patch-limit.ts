// Owns how long a patch may be: what a diff gives, an apply takes. Never measures one.

/** Bytes of a whole patch. */
export const maxPatchBytes = 256 * 1024 * 1024;
