// Owns the checks of pyro's own folders and of the settings file. Never reads what lies in the folders.
import { chmod, lstat } from "node:fs/promises";
import { hasErrno } from "../base/error.js";
import { maskPasswords } from "../base/mask-passwords.js";
import { isEarlierEngineChoice } from "../base/settings.js";
import { userId } from "../base/user.js";
import { shellWord } from "../base/shell-word.js";
import { failure, type Check } from "./check.js";

export const foldersCheck: Check = {
  code: "folders",
  essential: true,
  run: async ({ paths, prepare }) => {
    const folders = [paths.state, paths.cache, paths.sockets];
    const loose = (await Promise.all(folders.map(openToOthers))).filter((path) => path !== undefined);
    const where = `state ${paths.state}, cache ${paths.cache}, sockets ${paths.sockets}`;
    if (loose.length > 0) {
      return {
        severity: "warning",
        text: `Others may look into ${loose.join(", ")}.`,
        fix: `chmod 700 ${loose.map(shellWord).join(" ")}`,
        repair: async () => {
          for (const path of loose) await chmod(path, 0o700);
          return `Made private: ${loose.join(", ")}.`;
        },
      };
    }
    try {
      // Makes what is missing; what cannot be made or belongs to somebody else is the finding.
      await prepare();
      return { severity: "ok", text: `${where}.` };
    } catch (error) {
      return { fix: "Set PYRO_HOME to a folder that this user may write to.", ...failure("error", error) };
    }
  },
};

/** The path, when it is a folder of this user's that its group or others have rights on. */
async function openToOthers(path: string): Promise<string | undefined> {
  try {
    const found = await lstat(path);
    const isOwn = found.isDirectory() && found.uid === userId();
    return isOwn && (found.mode & 0o077) !== 0 ? path : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

function engineValues(engine: string, accelerator: string): string {
  if (!isEarlierEngineChoice(engine)) return `engine ${engine}, accelerator ${accelerator}`;
  return `engine ${engine} (understood; today that is "accelerator": "${engine}"), accelerator ${accelerator}`;
}

export const settingsCheck: Check = {
  code: "settings",
  essential: true,
  run: async ({ paths, settings }) => {
    try {
      const { engine, accelerator = "auto", pool_size, pool_idle_minutes, debian_mirror } = await settings();
      const mirror = debian_mirror === undefined ? "" : `, debian_mirror ${maskPasswords(debian_mirror)}`;
      const values = `${engineValues(engine, accelerator)}, pool_size ${pool_size}, pool_idle_minutes ${pool_idle_minutes}${mirror}`;
      const exists = await lstat(paths.settings).then(
        () => true,
        () => false,
      );
      return {
        severity: "ok",
        text: exists ? `${paths.settings}: ${values}.` : `Defaults: ${values} (no ${paths.settings}).`,
      };
    } catch (error) {
      return failure("error", error);
    }
  },
};
