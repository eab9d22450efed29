// Owns deciding where the packages of one Debian release come from on this host. Never fetches any.
import { access } from "node:fs/promises";
import type { DebianMirror, NamedMirror } from "../base/debian-mirror.js";
import { archiveKeyring, debianSource, deriveDebian, selectDebian, type AptSource } from "./apt-sources.js";
import { keyringLine } from "../base/host-program.js";
import { readHostApt } from "./host-apt.js";
import type { Release } from "./catalog.js";

export interface SourceGround {
  /** Where the host's apt keeps its configuration: /etc/apt. */
  readonly aptFolder: string;
  readonly mirror: NamedMirror;
}

/** The sources, or why there are none, with what to type behind `; run: `. */
export type ReleaseSources = { readonly sources: readonly AptSource[] } | { readonly obstacle: string };

/** The mirror that the user names, else the host's own sources of that release, else its mirror of another one. */
export async function releaseSources(
  { aptFolder, mirror }: SourceGround,
  release: Release,
  signal: AbortSignal,
): Promise<ReleaseSources> {
  const named = await mirror.find();
  if (named !== undefined) return withKeyring(sourcesOfMirror(named, release));
  const { sources, originOf } = await readHostApt(aptFolder, signal);
  const own = selectDebian(sources, release, originOf);
  if (own.length > 0) return { sources: own };
  const derived = deriveDebian(sources, release, originOf);
  if (derived.length > 0) return withKeyring(derived);
  const line = await mirror.line();
  return { obstacle: `this host's apt has no Debian mirror to take ${release} from, and none is named; run: ${line}` };
}

export function sourcesOfMirror({ archive, security }: DebianMirror, release: Release): readonly AptSource[] {
  const main = debianSource(archive, [release, `${release}-updates`]);
  return security === undefined ? [main] : [main, debianSource(security, [`${release}-security`])];
}

async function withKeyring(sources: readonly AptSource[]): Promise<ReleaseSources> {
  return access(archiveKeyring).then(
    () => ({ sources }),
    () => ({ obstacle: `the keys of Debian are not in ${archiveKeyring}; run: ${keyringLine()}` }),
  );
}
