// Owns what `import … from "pyro-mcp"` offers. Never holds code.
export { PyroError, type ErrorBody, type ErrorCode } from "./base/error.js";
export type { ProgressEvent } from "./base/progress.js";
export {
  createServer,
  type CreateServerOptions,
  type EmbeddedServer,
  type ServerTransport,
} from "./surface/sdk/create-server.js";
export { Pyro, type MethodOptions, type PyroOptions } from "./surface/sdk/pyro.js";
export type { Workspace } from "./surface/sdk/workspace.js";
