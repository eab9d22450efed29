// Owns which Linux distribution this host is, and how its packages are installed. Never installs one.
import { readFileSync } from "node:fs";

/** Distributions that share package names and the command that installs them; `rhel` stands for its rebuilds as well. */
export type Family = "debian" | "fedora" | "rhel" | "arch" | "suse" | "other";

export interface Distribution {
  readonly family: Family;
  /** As it calls itself to people, such as `Debian GNU/Linux 12 (bookworm)`. */
  readonly name: string;
}

/** Nearest relation first: RHEL's rebuilds say that they are like Fedora, too. */
const families: readonly (readonly [Family, readonly string[]])[] = [
  ["debian", ["debian", "ubuntu"]],
  ["rhel", ["rhel", "centos", "rocky", "almalinux", "ol"]],
  ["fedora", ["fedora"]],
  ["arch", ["arch"]],
  ["suse", ["suse", "opensuse", "sles"]],
];

const installers: Readonly<Record<Exclude<Family, "other">, string>> = {
  debian: "sudo apt-get install",
  fedora: "sudo dnf install",
  rhel: "sudo dnf install",
  arch: "sudo pacman -S --needed",
  suse: "sudo zypper install",
};

/** Read for each answer: a host is upgraded while a daemon runs. */
export function hostDistribution(): Distribution {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return parseOsRelease(readFileSync(path, "utf8"));
    } catch {
      // Not every system has one; then it is none that is known.
    }
  }
  return parseOsRelease("");
}

/** From the text of an os-release file: assignments as a shell would take them, without its expansions. */
export function parseOsRelease(text: string): Distribution {
  const fields = new Map(
    text.split("\n").flatMap((line) => {
      const match = /^\s*([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|([^\s"']*))\s*$/u.exec(line);
      return match === null ? [] : [[match[1], match[2] ?? match[3] ?? match[4] ?? ""] as const];
    }),
  );
  const id = fields.get("ID") ?? "";
  const like = (fields.get("ID_LIKE") ?? "").split(/\s+/u);
  const isOf = (ids: readonly string[], word: string) =>
    ids.some((each) => word === each || word.startsWith(`${each}-`));
  const family =
    families.find(([, ids]) => isOf(ids, id))?.[0] ??
    families.find(([, ids]) => like.some((word) => isOf(ids, word)))?.[0] ??
    "other";
  return { family, name: fields.get("PRETTY_NAME") ?? (id === "" ? "an unknown distribution" : id) };
}

/** The command that installs these packages; in words where it is not known. */
export function packageLine(packages: readonly string[], { family }: Distribution): string {
  const names = [...new Set(packages)].join(" ");
  return family === "other" ? `install what this system has of ${names}` : `${installers[family]} ${names}`;
}
