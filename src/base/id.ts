// Owns how identifiers look and are made. Never keeps a list of them.
import { randomBytes } from "node:crypto";

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** `prefix_` and 12 lowercase base32 characters (60 random bits). */
export function newId(prefix: string, random: (size: number) => Uint8Array = randomBytes): string {
  const letters = Array.from(random(12), (byte) => alphabet.charAt(byte & 31));
  return `${prefix}_${letters.join("")}`;
}
