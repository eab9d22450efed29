// Owns joining the store of environments to the user's folders, settings and variables. Never installs one.
import { debianMirrorVariable, namedMirror } from "../base/debian-mirror.js";
import type { Paths } from "../base/paths.js";
import { readSettings } from "../base/settings.js";
import type { EnvironmentStore } from "../environment/environment.js";
import { mirrorSource } from "../environment/mirror-source.js";
import type { SourceGround } from "../environment/release-sources.js";
import { openEnvironmentStore } from "../environment/store.js";

export function openHostEnvironments(paths: Paths, env: NodeJS.ProcessEnv): EnvironmentStore {
  return openEnvironmentStore({ root: paths.environments, sources: [mirrorSource(hostGround(paths, env))] });
}

/** The settings are read at each use: a mirror that is named after a failed pull counts for the next. */
export function hostGround(paths: Pick<Paths, "settings">, env: NodeJS.ProcessEnv): SourceGround {
  const mirror = namedMirror({
    variable: env[debianMirrorVariable],
    setting: async () => (await readSettings(paths.settings)).debian_mirror,
    settingsPath: paths.settings,
  });
  return { aptFolder: "/etc/apt", mirror };
}
