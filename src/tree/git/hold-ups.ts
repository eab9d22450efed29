// Owns asking git about the files of a checkout in which some names would hold it up: pipes, devices, files without end. Never opens one.
import type { Readable } from "node:stream";
import { PyroError } from "../../base/error.js";
import type { HostFolder } from "../seed/host-folder.js";
import { walkBelow } from "../seed/host-walk.js";
import { under, type Skipped } from "../seed/listing.js";
import { displayName, type ByteString } from "../tar/entry.js";

export interface HoldUp {
  /** As the walk says it: a pipe that is held open, a folder without rules that can be read, a folder whose .git cannot be. */
  readonly kind: "p" | "u" | "r";
  /** Relative to the checkout: of the pipe, or of the folder. */
  readonly path: ByteString;
}

/** Bytes of all that git is told to leave out. */
const maxExcludeBytes = 256 * 1024;

interface Asked {
  readonly root: HostFolder;
  readonly signal: AbortSignal;
}

/**
 * Asks at once, while a walk looks for such names in all of the folder: git itself does not enter what is ignored. Where
 * the walk finds one, git is asked again without it.
 */
export async function askPastHoldUps<Answer>(
  { root, signal }: Asked,
  ask: (holdUps: readonly HoldUp[], signal: AbortSignal) => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly holdUps: readonly HoldUp[] }> {
  await using walk = startWalk(root, signal);
  try {
    const answer = await ask([], AbortSignal.any([signal, walk.foundOne]));
    if (!walk.foundOne.aborted) return { answer, holdUps: [] };
  } catch (error) {
    signal.throwIfAborted();
    // git may have been at the end of its memory before the walk came to what has no end.
    if (!walk.foundOne.aborted && (await walk.all).length === 0) throw error;
  }
  const holdUps = await walk.all;
  return { answer: await ask(holdUps, signal), holdUps };
}

/** The arguments that keep git from what would hold it up; undefined where it may look at no untracked file at all. */
export function excluding(holdUps: readonly HoldUp[]): readonly string[] | undefined {
  const folders = holdUps.filter(({ kind }) => kind !== "p").map(({ path }) => path);
  if (folders.includes("")) return undefined;
  const args = folders.map((path) => `--exclude=/${asPattern(path)}/`);
  if (args.join("\0").length > maxExcludeBytes) throw tooMany();
  return args;
}

export function noticesOf(holdUps: readonly HoldUp[]): readonly Skipped[] {
  return holdUps.map(({ kind, path }) => {
    if (kind === "p") return { path: displayName(path), reason: "a named pipe: no rules of it count" };
    if (kind === "r") return { path: displayName(path), reason: "its .git leads to what is no regular file" };
    const reason = "no rules can be read from it, so the untracked files of its folder are left out";
    return { path: displayName(under(path, ".gitignore")), reason };
  });
}

/** The pattern of this one path. An argument is UTF-8, which a path need not be: any character for what is not ASCII. */
function asPattern(path: ByteString): string {
  return path.replace(/[\\*?[]/gu, "\\$&").replace(/[^\0-\u007f]/gu, "?");
}

interface HoldUpWalk extends AsyncDisposable {
  /** Aborted as soon as there is one. */
  readonly foundOne: AbortSignal;
  /** Once the whole folder was looked at; until this is disposed of, its pipes are held. */
  readonly all: Promise<readonly HoldUp[]>;
}

function startWalk(folder: HostFolder, signal: AbortSignal): HoldUpWalk {
  const over = new AbortController();
  const found = new AbortController();
  const walk = { folder, mode: "holdups", input: undefined, signal: AbortSignal.any([signal, over.signal]) } as const;
  let ended: Promise<void> = Promise.resolve();
  const all = new Promise<readonly HoldUp[]>((resolve, reject) => {
    ended = walkBelow(walk, async (stdout) => {
      resolve(await readHoldUps(stdout, () => found.abort()));
      await aborted(over.signal);
    }).catch(reject);
  });
  all.catch(() => undefined);
  return {
    foundOne: found.signal,
    all,
    async [Symbol.asyncDispose]() {
      over.abort();
      await ended;
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function readHoldUps(stdout: Readable, onFound: () => void): Promise<readonly HoldUp[]> {
  const found: HoldUp[] = [];
  let rest = "";
  for await (const chunk of stdout.setEncoding("latin1")) {
    const fields = (rest + String(chunk)).split("\0");
    rest = fields.slice(-1 - ((fields.length - 1) % 2)).join("\0");
    for (let at = 0; at + 2 < fields.length; at += 2) {
      const [kind, path = ""] = fields.slice(at, at + 2);
      if (kind === ".") return found;
      if (kind === "p" || kind === "u" || kind === "r") found.push({ kind, path });
      onFound();
    }
  }
  throw new PyroError("internal", "The walk for what would hold git up ended early.");
}

function tooMany(): PyroError {
  return new PyroError("failed_precondition", "The checkout has too many names at which git would wait.", {
    hint: "Remove the pipes, devices and links to them that are called .gitignore or lie in a folder .git.",
  });
}
