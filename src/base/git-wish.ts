// Owns what a caller says of the git of its host. Never looks for one.

export interface GitWish {
  /** Its PATH. */
  readonly path: string;
  /** Its PYRO_GIT: the git to run. */
  readonly program?: string | undefined;
}

export function gitWishOf(env: NodeJS.ProcessEnv): GitWish {
  return { path: env["PATH"] ?? "", program: env["PYRO_GIT"] };
}
