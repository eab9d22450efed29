// Owns calling the guest agent with as little as it takes: preface, HTTP/2, bytes of protobuf. Shares no code with src/machine.
import { randomBytes } from "node:crypto";
import { connect, type ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";

export interface RawSession {
  /** Calls `Service/Method` with one message, and returns the last answer. */
  call(method: string, message?: Buffer): Promise<Buffer>;
  close(): void;
}

/** Agrees on a session over `socket`. */
export async function openRawSession(socket: Socket): Promise<RawSession> {
  await preface(socket);
  const session = connect("http://guest", { createConnection: () => socket });
  session.on("error", () => undefined);
  return {
    call: (method, message = Buffer.alloc(0)) => unary(session, method, message),
    close: () => socket.destroy(),
  };
}

/** Runs a program to its end, whose output is dropped. */
export async function runRaw(session: RawSession, argv: readonly string[]): Promise<void> {
  const id = randomBytes(8).toString("hex");
  const start = [
    text(1, id),
    ...argv.map((each) => text(2, each)),
    text(3, "PATH=/usr/bin:/bin"),
    text(4, "/workspace"),
  ];
  await session.call("ProcessService/Start", Buffer.concat(start));
  await session.call("ProcessService/Follow", text(1, id));
}

export function identify(session: RawSession): Promise<Buffer> {
  const clock = Buffer.concat([Buffer.from([1 << 3]), varint(BigInt(Date.now()) * 1_000_000n)]);
  const names = [text(3, "raw"), text(4, randomBytes(16).toString("hex"))];
  return session.call("MachineService/Identify", Buffer.concat([clock, field(2, randomBytes(256)), ...names]));
}

export function mountSeed(session: RawSession): Promise<Buffer> {
  return session.call("MachineService/Mount", Buffer.from([1 << 3, 1]));
}

function preface(socket: Socket): Promise<void> {
  const line = Buffer.from(`PYRO/1 ${randomBytes(16).toString("hex")}\n`);
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const onData = (data: Buffer) => {
      seen = Buffer.concat([seen, data]);
      if (!seen.includes(line)) return;
      socket.off("data", onData).off("close", onClose).pause();
      resolve();
    };
    const onClose = () => reject(new Error("the machine closed its channel"));
    socket.on("error", onClose).once("close", onClose).on("data", onData).write(line);
  });
}

/** The Connect protocol; `Follow` streams its answers in envelopes, which nobody opens here. */
function unary(session: ClientHttp2Session, method: string, message: Buffer): Promise<Buffer> {
  const streams = method.endsWith("/Follow");
  const request = session.request({
    ":method": "POST",
    ":path": `/pyro.guest.v1.${method}`,
    "content-type": streams ? "application/connect+proto" : "application/proto",
    "connect-protocol-version": "1",
  });
  const envelope = Buffer.alloc(streams ? 5 : 0);
  if (streams) envelope.writeUInt32BE(message.length, 1);
  request.end(Buffer.concat([envelope, message]));
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let status: number | undefined;
    request.on("response", (headers) => {
      status = headers[":status"];
    });
    request.on("data", (data: Buffer) => parts.push(data)).on("error", reject);
    request.on("end", () => {
      const answer = Buffer.concat(parts);
      if (status === 200) resolve(answer);
      else reject(new Error(`${method} answered ${status}: ${answer.toString("utf8")}`));
    });
  });
}

function text(number: number, value: string): Buffer {
  return field(number, Buffer.from(value));
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
