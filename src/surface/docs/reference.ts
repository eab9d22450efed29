// Owns the pages of docs/reference, all derived from the table. Never writes a file.
import { cliPage } from "./cli-page.js";
import { errorsPage } from "./errors-page.js";
import { mcpPage } from "./mcp-page.js";
import { sdkPage } from "./sdk-page.js";

/** File name → content. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ["cli.md", cliPage()],
    ["mcp.md", mcpPage()],
    ["sdk.md", sdkPage()],
    ["errors.md", errorsPage()],
  ]);
}
