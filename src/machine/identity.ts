// Owns making a machine, booted or restored, one of its own: clock, entropy, names, root. Never runs programs in it.
import { randomBytes } from "node:crypto";
import type { InstalledEnvironment } from "../environment/environment.js";
import { guestFiles } from "../guest/environment.js";
import type { GuestSession } from "../guest/session.js";

export interface Identity {
  /** 1 to 64 characters of [a-z0-9-]. */
  readonly hostname: string;
  readonly environment: InstalledEnvironment;
  /** Whether the seed drive holds a seed. */
  readonly seeded: boolean;
  /** Whether its root is mounted already, without a seed. */
  readonly mounted: boolean;
}

/** Bytes of fresh randomness for the guest's kernel. */
const entropyBytes = 256;

/** Names a machine, and mounts what is not mounted yet. */
export async function giveIdentity(session: GuestSession, identity: Identity, signal: AbortSignal): Promise<void> {
  await session.machine.identify(
    {
      wallClockUnixNanos: BigInt(Date.now()) * 1_000_000n,
      entropy: Uint8Array.from(randomBytes(entropyBytes)),
      hostname: identity.hostname,
      machineId: randomBytes(16).toString("hex"),
    },
    { signal },
  );
  if (identity.mounted && !identity.seeded) return;
  const files = identity.mounted ? [] : guestFiles(identity.environment);
  await session.machine.mount({ seed: identity.seeded, files }, { signal });
}
