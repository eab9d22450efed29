// Owns reading names and metadata below a folder, in another process so that a slow disk never holds up this one. Never reads content.
import { findProgram, systemPath } from "../../base/host-program.js";
import { startProgram } from "../../environment/running-program.js";
import type { ByteString } from "./tar-entry.js";

export interface FoundPath {
  /** Relative to the folder. */
  readonly path: ByteString;
  /** As find's `%y`: f file, d folder, l symbolic link, s socket, p pipe, b and c devices. */
  readonly type: string;
  readonly size: number;
  /** Everything that changes when the entry does, for comparison only: mode, size, times in nanoseconds, inode. */
  readonly identity: string;
  /** Permission bits, octal. */
  readonly mode: string;
  /** Seconds since 1970, the later of the content's and the metadata's change. */
  readonly changed: number;
  readonly readable: boolean;
}

/** Eight fields, each ended by a NUL. A folder that this user may not read is named, not entered. */
const format = "%y\\0%m\\0%s\\0%T@\\0%C@\\0%i\\0";
const expression = [
  ..."( -type l -o -readable ( ! -type d -o -executable ) )".split(" "),
  ...["-printf", `%p\\0r\\0${format}`, "-o", "-printf", `%p\\0u\\0${format}`, "-prune"],
];
const fieldCount = 8;

/** All that lies below `root`, in no order. */
export async function statTree(root: string, signal: AbortSignal): Promise<readonly FoundPath[]> {
  const command = ['cd -- "$1" && shift && "$@"; test $? -le 1', "sh", root, await findProgram("find"), "."];
  return run([...command, "-mindepth", "1", ...expression], { input: "", signal });
}

/** Those of `paths`, relative to `root`, that exist, in the same order; links in the last part are not followed. */
export async function statPaths(
  root: string,
  { paths, signal }: { readonly paths: readonly ByteString[]; readonly signal: AbortSignal },
): Promise<readonly FoundPath[]> {
  if (paths.length === 0) return [];
  // The test stands at the end of find's command line, the paths before it: a shell has to put them together.
  const find = `"$0" "$@" -maxdepth 0 ${expression.map(quote).join(" ")}; test $? -le 1`;
  const script = `cd -- "$1" && "$2" -0 sh -c ${quote(find)} "$3"`;
  const programs = [await findProgram("xargs"), await findProgram("find")];
  const input = paths.map((path) => `./${path}\0`).join("");
  return run([script, "sh", root, ...programs], { input, signal });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

async function run(
  [script = "", ...args]: readonly string[],
  { input, signal }: { readonly input: ByteString; readonly signal: AbortSignal },
): Promise<readonly FoundPath[]> {
  signal.throwIfAborted();
  const command = ["/bin/sh", "-c", script, ...args];
  const program = startProgram({ command, env: { PATH: systemPath, LC_ALL: "C" }, onStderrLine: () => undefined });
  signal.addEventListener("abort", program.kill, { once: true });
  try {
    program.stdin.end(input, "latin1");
    const found: FoundPath[] = [];
    let rest = "";
    for await (const chunk of program.stdout.setEncoding("latin1")) {
      const fields = (rest + String(chunk)).split("\0");
      const whole = Math.floor((fields.length - 1) / fieldCount) * fieldCount;
      for (let at = 0; at < whole; at += fieldCount) found.push(parse(fields, at));
      rest = fields.slice(whole).join("\0");
    }
    await program.ended;
    return found;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", program.kill);
    program.kill();
  }
}

function parse(fields: readonly string[], at: number): FoundPath {
  const [path = "", access, type = "", mode = "", size, written = "", changed = "", inode = ""] = fields.slice(
    at,
    at + fieldCount,
  );
  // find puts `./` before each.
  return {
    path: path.slice(2),
    type,
    mode,
    size: Number(size),
    identity: type === "d" ? `${type} ${mode}` : `${type} ${mode} ${size} ${written} ${changed} ${inode}`,
    changed: Math.max(Number(written), Number(changed)),
    readable: access === "r",
  };
}
