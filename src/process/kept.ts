// Owns how much of a program's output is kept. Never keeps any.

/** Bytes of one stream that are kept; stated here alone. */
export const keptOutputBytes = 64 * 1024 * 1024;
/** Of both streams. */
export const allOutputBytes = 2 * keptOutputBytes;
