// Owns the check that this user can make the namespaces that environments are built in. Never builds one.
import { userId } from "../base/user.js";
import { lookUpProgram } from "../base/host-program.js";
import { missingNamespaces } from "../environment/namespace.js";
import type { NamespaceObstacle } from "../environment/user-namespaces.js";
import type { Check } from "./check.js";
import type { Diagnosis } from "./finding.js";

export const namespacesCheck: Check = {
  code: "namespaces",
  essential: false,
  run: async (_subject, { signal }) => {
    if (userId() === 0) return { severity: "ok", text: "Not needed: root builds environments without." };
    // That it is missing is another finding's.
    if ((await lookUpProgram("unshare")) === undefined) return undefined;
    return judgeNamespaces(await missingNamespaces(signal));
  },
};

export function judgeNamespaces(obstacle: NamespaceObstacle | undefined): Diagnosis {
  if (obstacle === undefined) {
    return {
      severity: "ok",
      text: "unshare made them, with mounts of their own: environments can be built without root.",
    };
  }
  return {
    severity: "warning",
    text:
      `Environments cannot be built without root: ${obstacle.reason}. Virtual machines need none of it: one that root ` +
      "has installed, in a folder that PYRO_ENVIRONMENT_CACHE_DIR names for both, is enough.",
    ...(obstacle.line === undefined ? {} : { fix: obstacle.line }),
  };
}
