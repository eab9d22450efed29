// Owns what the files of a host say of our server, all together: which entry counts, and what it chooses. Never writes.
import { asPyroError, type PyroError } from "../base/error.js";
import { isTable } from "./config-format.js";
import { readDocument, type Document } from "./document.js";
import { differencesOf, entryWith, serverCommand, serveFlagsIn, type Difference, type ServerCommand } from "./entry.js";
import type { ChatHost, ConfigPlace, Launch, Obstacle, Surroundings } from "./host.js";
import type { ServeFlags } from "./serve-flags.js";

export interface HostFiles {
  /** Those with an entry that the host reads, the one that decides first. */
  readonly documents: readonly Document[];
  /** Those and the others that have an entry. */
  readonly present: readonly Document[];
  /** What could not be read or parsed. */
  readonly broken: readonly PyroError[];
  /** Entries that it does not read. */
  readonly ignored: readonly Obstacle[];
  readonly switchedOff: Obstacle | undefined;
}

export async function readHostFiles(host: ChatHost, surroundings: Surroundings): Promise<HostFiles> {
  const broken: PyroError[] = [];
  const all: Document[] = [];
  for (const place of placesOf(host, surroundings)) {
    try {
      all.push(await readDocument(host, place));
    } catch (error) {
      const failure = asPyroError(error);
      if (!broken.some(({ message }) => message === failure.message)) broken.push(failure);
    }
  }
  const user = all.findLast(({ place }) => place.scope === "user")?.value;
  const present = all.filter(({ entry }) => entry !== undefined);
  const obstacles = present.map(({ place }) => host.ignores(place, user, surroundings));
  return {
    broken,
    present,
    documents: present.filter((_, index) => obstacles[index] === undefined),
    ignored: obstacles.filter((each) => each !== undefined),
    switchedOff: host.switchedOff(user, surroundings),
  };
}

/** Each once: in the user's own folder a file of the project can be the user's as well. */
function placesOf(host: ChatHost, surroundings: Surroundings): readonly ConfigPlace[] {
  const places = host.places(surroundings);
  const same = (left: ConfigPlace, right: ConfigPlace) =>
    left.path === right.path && left.keys.join("\0") === right.keys.join("\0");
  return places.filter((place, index) => !places.slice(index + 1).some((later) => same(place, later)));
}

/** One server as the host sees it. */
export interface Registration {
  /** The files that make it, the one that decides first. */
  readonly documents: readonly [Document, ...Document[]];
  readonly value: unknown;
}

/** The one that counts first. */
export function registrationsOf({ merges }: ChatHost, documents: readonly Document[]): readonly Registration[] {
  if (!merges) return documents.map((document) => ({ documents: [document], value: document.entry }));
  const [first, ...rest] = documents;
  if (first === undefined) return [];
  const value = documents.toReversed().reduce<unknown>((weaker, { entry }) => merged(weaker, entry), undefined);
  return [{ documents: [first, ...rest], value }];
}

function merged(weaker: unknown, stronger: unknown): unknown {
  if (!isTable(weaker) || !isTable(stronger)) return stronger;
  const names = [...new Set([...Object.keys(weaker), ...Object.keys(stronger)])];
  return Object.fromEntries(
    names.map((name) => [name, name in stronger ? merged(weaker[name], stronger[name]) : weaker[name]]),
  );
}

export interface Judgement {
  /** Undefined where it is no program to start. */
  readonly launch: Launch | undefined;
  readonly differences: readonly Difference[];
  /** Why its choices cannot be kept; undefined when they are. */
  readonly lost: string | undefined;
  /** Names of the tools that a server with its choices offers. */
  readonly tools: readonly string[];
}

/** Held against what we would register with the same choices. */
export async function judge(
  host: ChatHost,
  { value }: Registration,
  { server, serveFlags }: { readonly server: ServerCommand; readonly serveFlags: ServeFlags },
): Promise<Judgement> {
  const launch = host.launch(value);
  const flags = launch === undefined ? undefined : serveFlagsIn([launch.command, ...launch.args]);
  // A variable that is not set here says nothing against the entry that has it.
  const own = serverCommand(server.node, server.script, { ...launch?.env, ...server.env });
  const standard = async (lost: string): Promise<Judgement> => ({
    launch,
    lost,
    differences: differencesOf(host, value, entryWith(own, [])),
    tools: await serveFlags.tools([]),
  });
  if (flags === undefined) return standard("It does not start `pyro mcp serve`.");
  try {
    const tools = await serveFlags.tools(flags);
    return { launch, lost: undefined, differences: differencesOf(host, value, entryWith(own, flags)), tools };
  } catch (error) {
    return standard(`\`pyro mcp serve\` would refuse its flags: ${asPyroError(error).message}`);
  }
}
