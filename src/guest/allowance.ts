// Owns how much one call may bring from a guest: messages, entries, bytes. Never trusts what the guest says of itself.
import type { DescMethod } from "@bufbuild/protobuf";
import type { PyroError } from "../base/error.js";
import { guestFault } from "../base/guest-fault.js";
import { FileService } from "./gen/pyro/guest/v1/files_pb.js";
import { ProcessService } from "./gen/pyro/guest/v1/guest_pb.js";

/** Of all messages of one call together. */
export interface Allowance {
  /** Elements of lists. */
  readonly entries: number;
  /** Elements of lists in one message. */
  readonly entriesAtOnce: number;
  /** Bytes of paths, names and content. */
  readonly bytes: number;
}

/** Largest message that is decoded, in bytes: the agent sends at most 512 KiB and one entry. */
export const maxMessageBytes = 1024 * 1024;

/** Entries of one listing or diff that are looked at. */
export const maxTreeEntries = 1_000_000;
/** Bytes of the names in one list, which are all kept. */
const maxListBytes = 512 * 1024 * 1024;
/** As the agent itself has it for what no archive can hold. */
const maxSkippedEntries = 100_000;
/** Entries of one message by the protocol, and what else may stand in it. */
const batchEntries = 512 + 16;
/** A guest's disk and seed, and what an archive puts around their files. */
const maxTreeBytes = 128 * 1024 ** 3;
const maxSmallBytes = 64 * 1024;
/** What was skipped, and of what kind each is. */
const packed: Allowance = { entries: 2 * maxSkippedEntries, entriesAtOnce: 2 * batchEntries, bytes: maxTreeBytes };
/** Messages that bring nothing, between two ticks of the clock. */
const maxIdleMessages = 200;

/** Of a single answer: processes, at most. */
const answer: Allowance = { entries: 4200, entriesAtOnce: 4200, bytes: maxMessageBytes };

interface Asked {
  readonly maxEntries?: number;
  readonly maxBytes?: bigint;
  readonly files?: readonly unknown[];
}

const byMethod: ReadonlyMap<DescMethod, (asked: Asked) => Allowance> = new Map<DescMethod, (asked: Asked) => Allowance>(
  [
    [FileService.method.listFiles, ({ maxEntries }) => list(maxEntries)],
    [FileService.method.listChanges, ({ maxEntries }) => list(maxEntries)],
    [FileService.method.pack, () => packed],
    [
      FileService.method.readFile,
      ({ maxBytes = 0n }) => ({
        entries: 16,
        entriesAtOnce: 16,
        bytes: maxBytes === 0n ? maxTreeBytes : Number(maxBytes) + maxSmallBytes,
      }),
    ],
    [
      FileService.method.readFiles,
      ({ files = [] }) => ({
        entries: files.length,
        entriesAtOnce: batchEntries,
        bytes: files.length * maxSmallBytes,
      }),
    ],
    // As much as the program likes to print; its time is bounded.
    [ProcessService.method.follow, () => ({ entries: 16, entriesAtOnce: 16, bytes: Number.POSITIVE_INFINITY })],
  ],
);

function list(maxEntries = maxTreeEntries): Allowance {
  return { entries: Math.min(maxEntries, maxTreeEntries), entriesAtOnce: batchEntries, bytes: maxListBytes };
}

export function allowanceOf(method: DescMethod, request: unknown): Allowance {
  return byMethod.get(method)?.(request as Asked) ?? answer;
}

/** Counts the messages of one call; throws at the first that is too much. */
export class Tally {
  readonly #allowance: Allowance;
  #entries = 0;
  #bytes = 0;
  #idle = 0;
  #ticks = 0;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /** `ticks` goes up as time passes, in which some empty messages are in order. */
  add(message: unknown, ticks = 0): void {
    const weight = { entries: 0, bytes: 0 };
    weigh(message, weight);
    this.#entries += weight.entries;
    this.#bytes += weight.bytes;
    if (ticks !== this.#ticks || weight.entries > 0 || weight.bytes > 0) this.#idle = 0;
    else this.#idle += 1;
    this.#ticks = ticks;
    const { entries, entriesAtOnce, bytes } = this.#allowance;
    if (weight.entries > entriesAtOnce || this.#entries > entries) throw tooMuch("entries");
    if (this.#bytes > bytes) throw tooMuch("bytes");
    if (this.#idle > maxIdleMessages) throw tooMuch("empty messages");
  }
}

/** What the decoder adds to what was sent: names of types and of choices. */
const ownFields: ReadonlySet<string> = new Set(["$typeName", "case"]);

function weigh(value: unknown, weight: { entries: number; bytes: number }): void {
  if (value instanceof Uint8Array) weight.bytes += value.length;
  else if (typeof value === "string") weight.bytes += value.length;
  else if (Array.isArray(value)) {
    weight.entries += value.length;
    for (const each of value) weigh(each, weight);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, field] of Object.entries(value)) if (!ownFields.has(name)) weigh(field, weight);
  }
}

function tooMuch(what: string): PyroError {
  return guestFault(`The machine sent more ${what} than it was asked for; it can no longer be trusted.`);
}
