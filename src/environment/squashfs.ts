// Owns making a squashfs image from a program that writes a tar stream. Never unpacks anything on the host.
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Transform } from "node:stream";
import { debianMirrorVariable } from "../base/debian-mirror.js";
import { PyroError } from "../base/error.js";
import { findProgram, keyringLine, systemPath } from "../base/host-program.js";
import { maskPasswords } from "../base/mask-passwords.js";
import { call, say } from "../base/say.js";
import { userId } from "../base/user.js";
import { startProgram, type ProgramStart, type RunningProgram } from "../base/streaming-program.js";

export interface TarProducer extends ProgramStart {
  /** Its standard input. */
  readonly input: string;
  /** Seconds since 1970 to which later file times are cut; asked for when the stream begins. */
  readonly epoch: () => Promise<number>;
  /** Paths to leave out, such as `dev/*`. */
  readonly exclude: readonly string[];
  /** Called now and then with the number of bytes of the stream so far. */
  readonly onBytes: (bytes: number) => void;
}

/** Runs `producer` into an image; when one side fails or `signal` aborts, both are killed and gone before this rejects. */
export async function writeSquashfs(producer: TarProducer, imagePath: string, signal: AbortSignal): Promise<void> {
  const command = [...(await squashfsCommand(imagePath)), ...producer.exclude];
  signal.throwIfAborted();
  const running = [startProgram(producer)];
  const killAll = () => running.forEach((program) => program.kill());
  signal.addEventListener("abort", killAll, { once: true });
  try {
    await pump(producer, command, running);
  } catch (error) {
    killAll();
    await Promise.allSettled(running.map((program) => program.ended));
    signal.throwIfAborted();
    throw explain(running) ?? error;
  } finally {
    signal.removeEventListener("abort", killAll);
  }
}

/**
 * debian:12, and reading /usr/lib cold in a guest under emulation: lz4 98 MB, 0.45 s; uncompressed 192 MB, 0.45 s;
 * zstd 71 MB, 0.75 s; lz4 in blocks of 32 KiB 102 MB, 0.75 s. Ownership, hard links and extended attributes are kept;
 * `-exports` lets overlayfs index the image.
 */
async function squashfsCommand(imagePath: string): Promise<readonly string[]> {
  const content = ["-comp", "lz4", "-exports", "-xattrs", "-exit-on-error"];
  const limits = ["-mem", "256M", "-processors", String(Math.min(4, availableParallelism())), "-no-progress"];
  // sqfstar gives the root folder its own user and time instead of the archive's; the time is cut to the epoch.
  const asRoot = userId() === 0 ? [] : [await findProgram("unshare"), "--map-root-user"];
  return [...asRoot, await findProgram("sqfstar"), ...content, ...limits, "-root-mode", "755", imagePath];
}

async function pump(producer: TarProducer, command: readonly string[], running: RunningProgram[]): Promise<void> {
  const [source] = running;
  if (source === undefined) return;
  source.stdin.end(producer.input);
  await Promise.race([once(source.stdout, "readable"), source.ended]);
  const env = { PATH: systemPath, SOURCE_DATE_EPOCH: String(await producer.epoch()) };
  const sink = startProgram({ command, env, onStderrLine: () => undefined });
  running.push(sink);
  sink.stdout.resume();
  const stream = source.stdout.pipe(counted(producer.onBytes));
  // sqfstar ends at the archive's end mark; the padding behind it still has to be taken from the producer.
  sink.stdin.on("error", () => stream.resume());
  stream.pipe(sink.stdin);
  await Promise.all([source.ended, sink.ended]);
}

function counted(onBytes: (bytes: number) => void): Transform {
  const step = 4 * 1024 * 1024;
  let bytes = 0;
  let reported = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes - reported >= step) onBytes((reported = bytes));
      done(null, chunk);
    },
  });
}

function explain(programs: readonly RunningProgram[]): PyroError | undefined {
  const text = programs.flatMap((program) => program.tail).join("\n");
  if (/No space left on device|Disk quota exceeded|not enough free space/iu.test(text)) {
    return new PyroError("resource_exhausted", "The disk became full while the environment was built.", {
      hint: say`Free disk space, for example by ${call("env_prune")}, then call again.`,
    });
  }
  return mirrorFault(text);
}

/** What apt printed about the mirror, where that is why the build failed. */
export function mirrorFault(text: string): PyroError | undefined {
  const line = (pattern: RegExp) => {
    const found = pattern.exec(text);
    return found === null ? undefined : maskPasswords(found[0].trim());
  };
  const absent = line(/^.*(does not have a Release file|Release' is no longer valid|\s404\s+Not Found).*$/imu);
  if (absent !== undefined) {
    return new PyroError("unavailable", `The mirror does not have what is wanted of it: ${absent}`, {
      hint: `Name a Debian mirror that has the release, and its security fixes, as debian_mirror in the settings (or ${debianMirrorVariable}); then pull again.`,
    });
  }
  const unsigned = line(/^.*(NO_PUBKEY|is not signed|EXPKEYSIG|Missing key|couldn't be verified).*$/imu);
  if (unsigned !== undefined) {
    return new PyroError("unavailable", `The mirror's signatures cannot be verified: ${unsigned}`, {
      hint: `Get Debian's newest keys (${keyringLine()}), then pull again.`,
    });
  }
  const unreachable = line(
    /^.*(Failed to fetch|Could not (resolve|connect)|Temporary failure|Unable to connect).*$/imu,
  );
  if (unreachable === undefined) return undefined;
  return new PyroError("unavailable", `The Debian mirror does not answer: ${unreachable}`, {
    hint: "Check that `sudo apt-get update` works here, or the URL in debian_mirror, then pull again.",
  });
}
