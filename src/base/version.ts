// Owns which version and build of this package runs. Never compares versions.

/** As in package.json; the bundler puts it in. */
export const version = process.env["PYRO_BUNDLED_VERSION"] ?? "0.0.0";

/** Tells builds of one version apart; `source` when it runs unbundled. */
export const buildId = process.env["PYRO_BUNDLED_BUILD"] ?? "source";
