// Owns which names a patch may have: below the workspace, outside `.git`. Never looks at files.
import { PyroError } from "../../base/error.js";
import { startOf } from "../../base/text.js";
import { type BytePath, displayPath, isInGitFolder, pathProblem, trustedPath } from "../byte-path.js";
import { isRefusedByGit } from "../git/quoted-name.js";

export function checkPath(name: string, atLine: number): BytePath {
  // `./src//x` is harmless and means src/x.
  const path = name.startsWith("/")
    ? name
    : name
        .split("/")
        .filter((part) => part !== "" && part !== ".")
        .join("/");
  const problem = path === "" ? "is the workspace itself" : pathProblem(path);
  const inGit = isInGitFolder(path) || isRefusedByGit(path, false);
  if (problem === undefined && !inGit) return trustedPath(path);
  const shown = startOf(displayPath(name), 300);
  throw new PyroError(
    "invalid_argument",
    `The patch names ${JSON.stringify(shown)}, which ${problem ?? "belongs to git itself"}.`,
    {
      hint: "Name files relative to /workspace, as `git diff` does there.",
      details: { path: shown, patch_line: atLine },
    },
  );
}
