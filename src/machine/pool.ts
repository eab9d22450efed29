// Owns machines restored ahead of need: warmed, paused, without a name. Never hands one out twice.
import { freemem } from "node:os";
import type { Machine } from "../engine/engine.js";
import type { MachineHome } from "./machine-files.js";
import { removeHome } from "./machine-files.js";
import type { Template, TemplateSubject } from "./template.js";

export interface PoolMember {
  readonly machine: Machine;
  readonly home: MachineHome;
}

export interface Pool {
  /** A machine of this template, now the caller's; undefined when none is ready. */
  claim(template: Template): PoolMember | undefined;
  /** Says what was asked for last; machines of it are made ready in the background, others go. */
  want(subject: TemplateSubject, template: Template): void;
  /** How many are ready. */
  ready(): number;
  /** Process numbers and memory of the ready ones go once this resolves. */
  drain(): Promise<void>;
  /** Drains, and makes no more. */
  close(): Promise<void>;
}

export interface PoolOptions {
  /** How many to keep ready; 0 = no pool. */
  readonly size: number;
  /** Milliseconds without a `want` after which it is emptied. */
  readonly idleMs: number;
  /** Makes one member, warmed and paused. */
  readonly make: (subject: TemplateSubject, template: Template, signal: AbortSignal) => Promise<PoolMember>;
  /** Bytes of host memory that are free. */
  readonly freeBytes?: () => number;
}

/** Below this much free host memory the pool is emptied and not filled again. */
const pressureBytes = 2 * 1024 ** 3;
/** Failures in a row after which a template is not tried again. */
const maxFailures = 3;

interface Wanted {
  readonly subject: TemplateSubject;
  readonly template: Template;
}

export function openPool({ size, idleMs, make, freeBytes = freemem }: PoolOptions): Pool {
  const closing = new AbortController();
  let members: PoolMember[] = [];
  let wanted: Wanted | undefined;
  let filling: Promise<void> | undefined;
  let failures = 0;
  let idle: NodeJS.Timeout | undefined;

  const drain = async () => {
    const gone = members;
    members = [];
    await Promise.all(gone.map(endMember));
  };
  const fill = async () => {
    while (wanted !== undefined && members.length < size && failures < maxFailures && !closing.signal.aborted) {
      if (freeBytes() < pressureBytes) return drain();
      const { subject, template } = wanted;
      try {
        const member = await make(subject, template, closing.signal);
        failures = 0;
        if (wanted?.template.key !== template.key || closing.signal.aborted) await endMember(member);
        else {
          members.push(member);
          void member.machine.exited.then(() => forget(member));
        }
      } catch {
        failures += 1;
      }
    }
  };
  const forget = (member: PoolMember) => {
    if (!members.includes(member)) return;
    members = members.filter((each) => each !== member);
    failures += 1;
    void removeHome(member.home).then(refill);
  };
  const refill = () => {
    filling ??= fill().finally(() => {
      filling = undefined;
    });
  };

  return {
    claim: (template) => {
      if (wanted?.template.key !== template.key) return undefined;
      return members.shift();
    },
    want: (subject, template) => {
      if (size === 0 || closing.signal.aborted) return;
      clearTimeout(idle);
      idle = setTimeout(() => {
        wanted = undefined;
        void drain();
      }, idleMs);
      idle.unref();
      if (wanted?.template.key !== template.key) {
        failures = 0;
        void drain();
      }
      wanted = { subject, template };
      refill();
    },
    ready: () => members.length,
    drain,
    close: async () => {
      clearTimeout(idle);
      closing.abort();
      await filling?.catch(() => undefined);
      await drain();
    },
  };
}

async function endMember({ machine, home }: PoolMember): Promise<void> {
  await machine.kill();
  await removeHome(home);
}
