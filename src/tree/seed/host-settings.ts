// Owns carrying what the user's own settings say of a checkout into the copy of its repository. Never reads those settings.
import { createHash } from "node:crypto";
import { posix } from "node:path";
import { formatSettings, type Setting } from "../git/settings.js";
import type { ByteString } from "../tar/entry.js";
import { readBelow } from "./host-folder.js";
import { under, type CopiedItem, type Item, type MadeItem } from "./listing.js";

/** What decides how git reads the files of a checkout, and lies outside of it. */
export interface HostSettings {
  /** Of the user, where they have them. */
  readonly settings: readonly Setting[];
  /** The content of the file of ignore rules that counts besides those of the checkout. */
  readonly excludes: Buffer;
  /** The same of attributes. */
  readonly attributes: Buffer;
}

/** A repository of a seed that they go into. */
export interface Carrier {
  /** Its folder in the seed. */
  readonly path: ByteString;
  /** The folder of its files. */
  readonly files: ByteString;
  readonly host: HostSettings;
}

/** Bytes of a repository's own rules. */
const maxRuleBytes = 64 * 1024 * 1024;

/** Attributes in info/attributes would count more than those of the checkout: these lie in a file of their own. */
const attributesName = "info/host-attributes";

/** The items with what belongs into each repository: whatever it says itself comes later, and wins. */
export function carryInto(items: readonly Item[], carriers: readonly Carrier[]): readonly Item[] {
  if (carriers.length === 0) return items;
  const changes = new Map(carriers.flatMap((carrier) => changesOf(carrier)));
  const present = new Set<ByteString>();
  const carried = items.map((item) => {
    present.add(item.path);
    return changes.get(item.path)?.(item) ?? item;
  });
  return [...carried, ...carriers.flatMap((carrier) => additionsTo(carrier, present))];
}

type Change = (item: Item) => Item;

function changesOf({ path, files, host }: Carrier): readonly (readonly [ByteString, Change])[] {
  const front = formatSettings(host.settings);
  const back = formatSettings(host.attributes.length === 0 ? [] : [attributesFile(path, files)]);
  const config: Change = (item) => (item.kind === "made" ? withSettings(item, { front, back }) : item);
  const exclude: Change = (item) =>
    item.kind === "copied" && item.found.type === "f" ? withRules(item, host.excludes) : item;
  return [
    [under(path, "config"), config],
    [under(path, "info/exclude"), exclude],
  ];
}

/** git looks for a relative one from the top of the files. */
function attributesFile(path: ByteString, files: ByteString): Setting {
  const value = posix.relative(`/${files}`, `/${under(path, attributesName)}`);
  return { section: "core", subsection: undefined, name: "attributesfile", value };
}

function additionsTo({ path, host }: Carrier, present: ReadonlySet<ByteString>): readonly Item[] {
  const added = [
    ["info/exclude", host.excludes],
    [attributesName, host.attributes],
  ] as const;
  const files = added.flatMap(([name, content]): readonly Item[] => {
    const place = under(path, name);
    if (content.length === 0 || present.has(place)) return [];
    const made = { kind: "made", changed: 0, identity: `f 644 ${digestOf(content)}` } as const;
    return [{ ...made, path: place, content: async () => Promise.resolve(content) }];
  });
  const folder = under(path, "info");
  if (files.length === 0 || present.has(folder)) return files;
  return [{ kind: "made", path: folder, identity: "d 755", changed: 0, content: undefined }, ...files];
}

function withSettings(item: MadeItem, { front, back }: { readonly front: Buffer; readonly back: Buffer }): MadeItem {
  if (front.length === 0 && back.length === 0) return item;
  return {
    ...item,
    identity: `${item.identity} ${digestOf(front)} ${digestOf(back)}`,
    content: async (signal, note) => {
      const own = await item.content?.(signal, note);
      return own === undefined ? undefined : Buffer.concat([front, own, back]);
    },
  };
}

/** Of two rules in one file the later counts, as those of the repository count more than the user's. */
function withRules(item: CopiedItem, rules: Buffer): Item {
  if (rules.length === 0) return item;
  const { identity, changed, path } = item.found;
  return {
    kind: "made",
    path: item.path,
    identity: `${identity} ${digestOf(rules)}`,
    changed,
    source: item,
    content: async () => {
      const own = await readBelow(item.root, path, { maxBytes: maxRuleBytes });
      return own === undefined ? undefined : Buffer.concat([rules, Buffer.from("\n"), own]);
    },
  };
}

function digestOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
