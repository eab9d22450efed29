// Owns why a user of this host cannot make user namespaces, and what changes it. Never makes one.
import { readFile } from "node:fs/promises";

/** What the kernel is set to; undefined where it has no such setting. */
export interface NamespaceSettings {
  /** kernel.apparmor_restrict_unprivileged_userns, which Ubuntu 24.04 has at 1. */
  readonly apparmorRestricts: number | undefined;
  /** kernel.unprivileged_userns_clone of Debian's kernels, and of Arch's hardened one. */
  readonly unprivilegedClone: number | undefined;
  /** user.max_user_namespaces. */
  readonly maxNamespaces: number | undefined;
}

export interface NamespaceObstacle {
  readonly reason: string;
  /** What to type, as root; undefined where no line would help. */
  readonly line: string | undefined;
}

export async function namespaceSettings(): Promise<NamespaceSettings> {
  const [apparmorRestricts, unprivilegedClone, maxNamespaces] = await Promise.all(
    [
      "kernel/apparmor_restrict_unprivileged_userns",
      "kernel/unprivileged_userns_clone",
      "user/max_user_namespaces",
    ].map(async (path) => {
      const text = await readFile(`/proc/sys/${path}`, "utf8").catch(() => "");
      return /^\d+\s*$/u.test(text) ? Number(text) : undefined;
    }),
  );
  return { apparmorRestricts, unprivilegedClone, maxNamespaces };
}

/** `said` is what the program that tried printed. */
export function namespaceObstacle(settings: NamespaceSettings, said: string): NamespaceObstacle {
  if (/unrecognized option '--map-auto'/u.test(said)) {
    const reason = "unshare is older than 2.38 (util-linux) and cannot give a user ids of its own";
    return { reason, line: undefined };
  }
  if (settings.unprivilegedClone === 0) {
    return setting("users may not make user namespaces", "kernel.unprivileged_userns_clone", 1);
  }
  if (settings.maxNamespaces === 0) {
    return setting("no user namespaces may be made", "user.max_user_namespaces", 10_000);
  }
  if (settings.apparmorRestricts !== undefined && settings.apparmorRestricts > 0) {
    const reason = "AppArmor keeps user namespaces from programs that have no profile for them, as on Ubuntu 24.04";
    return setting(reason, "kernel.apparmor_restrict_unprivileged_userns", 0);
  }
  const end = said.trim().split("\n").at(-1) ?? "";
  const reason = `the system does not let users make user namespaces, as in most containers (${end.slice(0, 200)})`;
  return { reason, line: undefined };
}

/** Lasts beyond the next start of the host. */
function setting(reason: string, name: string, value: number): NamespaceObstacle {
  const line = `echo '${name} = ${value}' | sudo tee /etc/sysctl.d/60-pyro.conf && sudo sysctl --system`;
  return { reason: `${reason} (${name})`, line };
}
