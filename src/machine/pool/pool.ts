// Owns machines restored ahead of need: warmed, paused, without a name. Never hands one out twice.
import { freemem } from "node:os";
import { outsideCalls } from "../../base/call-scope.js";
import { asPyroError } from "../../base/error.js";
import { report, reportFault } from "../../base/report.js";
import { stageDone } from "../../base/stage.js";
import type { Machine } from "../../engine/engine.js";
import type { MachineHome } from "../machine-files.js";
import { removeHome } from "../machine-files.js";
import type { Template, TemplateSubject } from "../saved/template.js";

export interface PoolMember {
  readonly machine: Machine;
  readonly home: MachineHome;
  /** Its disk, mounted: over the template's. */
  readonly diskPath: string;
}

export interface Pool {
  /** A machine of this template, now the caller's; undefined when none is ready. */
  claim(template: Template): PoolMember | undefined;
  /** Why none was: a sentence without its end. */
  whyNone(template: Template): string;
  /** Says what was asked for last; machines of it are made ready in the background, others go. */
  want(subject: TemplateSubject, template: Template): void;
  /** The same at once; resolves when there are enough or no more can be made, with how many are ready. */
  fill(subject: TemplateSubject, template: Template): Promise<number>;
  /** Ends those that are ready or being made: their template is about to be made anew. */
  forget(): Promise<void>;
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
  /** Milliseconds without a `want` before the next machine is made: it would take the processor from the last. */
  readonly quietMs?: number;
}

/** Below this much free host memory the pool is emptied and not filled again. */
const pressureBytes = 2 * 1024 ** 3;
/** Failures in a row after which a template is not tried again. */
const maxFailures = 3;

const defaultQuietMs = 150;

interface Wanted {
  readonly subject: TemplateSubject;
  readonly template: Template;
}

export function openPool(options: PoolOptions): Pool {
  return new MachinePool(options);
}

class MachinePool implements Pool {
  readonly #options: PoolOptions;
  readonly #closing = new AbortController();
  #members: readonly PoolMember[] = [];
  #wanted: Wanted | undefined;
  #filling: Promise<void> | undefined;
  #failures = 0;
  #lastFailure = "";
  #idle: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  claim(template: Template): PoolMember | undefined {
    if (this.#wanted?.template.generation !== template.generation) return undefined;
    const [first, ...rest] = this.#members;
    this.#members = rest;
    if (first !== undefined) stageDone("pool", `handed out ${first.home.id}`, "pool");
    return first;
  }

  whyNone({ generation }: Template): string {
    if (this.#options.size === 0) return "There is no pool";
    if (this.#wanted?.template.generation !== generation) return "The pool made no machines of this template";
    if (this.#failures >= maxFailures) return `No machine waits: ${maxFailures} in a row failed (${this.#lastFailure})`;
    if (this.#isTight()) return "No machine waits: the host is short of memory";
    return this.#filling === undefined ? "No machine waits yet" : "No machine waits: the next is being made";
  }

  #isTight(): boolean {
    return (this.#options.freeBytes ?? freemem)() < pressureBytes;
  }

  want(subject: TemplateSubject, template: Template): void {
    if (this.#options.size === 0 || this.#closing.signal.aborted) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#wanted = undefined;
      void this.drain();
    }, this.#options.idleMs);
    this.#idle.unref();
    if (this.#wanted?.template.generation !== template.generation) {
      this.#failures = 0;
      void this.drain();
    }
    this.#wanted = { subject, template };
    stageDone("pool", `wanted ${template.generation}`, "pool");
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#refill(), this.#options.quietMs ?? defaultQuietMs);
  }

  async fill(subject: TemplateSubject, template: Template): Promise<number> {
    this.want(subject, template);
    clearTimeout(this.#quiet);
    // What is being made may be of another template, and the last that is.
    await this.#filling;
    if (this.#missing() !== undefined) this.#refill();
    await this.#filling;
    return this.ready();
  }

  async forget(): Promise<void> {
    clearTimeout(this.#quiet);
    this.#wanted = undefined;
    this.#failures = 0;
    await this.#filling;
    await this.drain();
  }

  ready(): number {
    return this.#members.length;
  }

  async drain(): Promise<void> {
    const gone = this.#members;
    this.#members = [];
    if (gone.length > 0) stageDone("pool", `emptied of ${gone.length}`, "pool");
    await Promise.all(gone.map(endMember));
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    clearTimeout(this.#quiet);
    this.#closing.abort();
    await this.#filling?.catch(() => undefined);
    await this.drain();
  }

  #refill(): void {
    // Whoever's call it was that set it off.
    this.#filling ??= outsideCalls(() => this.#fill()).finally(() => {
      this.#filling = undefined;
    });
  }

  async #fill(): Promise<void> {
    for (let next = this.#missing(); next !== undefined; next = this.#missing()) {
      if (this.#isTight()) return this.drain();
      try {
        await this.#add(next);
      } catch (error) {
        this.#fail(error);
      }
    }
    return undefined;
  }

  #fail(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#failures += 1;
    this.#lastFailure = asPyroError(error).message;
    reportFault("pool machine not made", error, { failures: this.#failures });
  }

  /** What one more member should be made of; undefined when there are enough or it keeps failing. */
  #missing(): Wanted | undefined {
    const stop = this.#closing.signal.aborted || this.#failures >= maxFailures;
    return stop || this.#members.length >= this.#options.size ? undefined : this.#wanted;
  }

  async #add({ subject, template }: Wanted): Promise<void> {
    const member = await this.#options.make(subject, template, this.#closing.signal);
    this.#failures = 0;
    if (this.#wanted?.template.generation !== template.generation || this.#closing.signal.aborted)
      return endMember(member);
    this.#members = [...this.#members, member];
    report("pool machine made", { machine: member.home.id });
    void member.machine.exited.then(({ reason }) => this.#forget(member, reason));
    return undefined;
  }

  #forget(member: PoolMember, reason: string): void {
    if (!this.#members.includes(member)) return;
    this.#members = this.#members.filter((each) => each !== member);
    this.#failures += 1;
    this.#lastFailure = `one ended while it waited: ${reason}`;
    report("pool machine ended", { machine: member.home.id, reason });
    void removeHome(member.home).then(() => this.#refill());
  }
}

async function endMember({ machine, home }: PoolMember): Promise<void> {
  await machine.kill();
  await removeHome(home);
}
