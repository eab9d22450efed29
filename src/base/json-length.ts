// Owns how long bytes of text become in JSON. Never writes any.

/** How many of the first bytes JSON writes in at most `limit`: a control takes six, a line end, a quote or a backslash two. */
export function jsonLengthWithin(bytes: Uint8Array, limit: number): number {
  let length = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    length += lengthOf(bytes[index] ?? 0);
    if (length > limit) return index;
  }
  return bytes.length;
}

/** Backspace, tab, line feed, form feed and carriage return. */
const shortEscapes = new Set([8, 9, 10, 12, 13]);

function lengthOf(byte: number): number {
  if (byte === 0x22 || byte === 0x5c || shortEscapes.has(byte)) return 2;
  return byte < 0x20 ? 6 : 1;
}
