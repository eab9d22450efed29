// Owns the format of a qcow2 overlay: making an empty one, and telling one by its header. Never has it name its backing file.
import { link, open, rename, rm } from "node:fs/promises";
import { PyroError, hasErrno } from "../base/error.js";

const clusterBits = 16;
const clusterBytes = 2 ** clusterBits;
/** One entry of the L1 table stands for one L2 table of 8-byte entries, a cluster each. */
const bytesPerL1Entry = (clusterBytes / 8) * clusterBytes;
/** 2-byte counts in one refcount block. */
const maxClusters = clusterBytes / 2;

const magic = "QFI\u00fb";
/** Without the header extensions, of which there are none. */
const headerBytes = 104;
/** The only one of the features that need to be understood that QEMU may set on an image of ours and that is no fault. */
const dirtyFeature = 1n;

const refcountTableCluster = 1;
const refcountBlockCluster = 2;
const firstL1Cluster = 3;

/** Makes `path`, which must not exist: a version 3 image of `virtualBytes` (a multiple of 512), nothing allocated. */
export async function writeOverlay(path: string, virtualBytes: number): Promise<void> {
  if (!Number.isSafeInteger(virtualBytes) || virtualBytes <= 0 || virtualBytes % 512 !== 0) {
    throw new RangeError(`A disk cannot have ${virtualBytes} bytes.`);
  }
  const l1Entries = Math.ceil(virtualBytes / bytesPerL1Entry);
  const clusters = firstL1Cluster + Math.ceil((l1Entries * 8) / clusterBytes);
  if (clusters > maxClusters) throw new RangeError(`A disk of ${virtualBytes} bytes is too large.`);
  const image = Buffer.alloc((refcountBlockCluster + 1) * clusterBytes);
  header(virtualBytes, l1Entries).copy(image);
  bigEndian64(refcountBlockCluster * clusterBytes).copy(image, refcountTableCluster * clusterBytes);
  refcounts(clusters).copy(image, refcountBlockCluster * clusterBytes);
  const temporary = `${path}.tmp`;
  try {
    await writeSparse(temporary, image, clusters * clusterBytes);
    // A link, unlike a rename, never replaces; half an image, as a full disk or a kill leaves it, must not have this name.
    await link(temporary, path).catch((error: unknown) => {
      // File systems without hard links, such as FAT.
      if (!hasErrno(error, "EPERM") && !hasErrno(error, "ENOTSUP")) throw error;
      return rename(temporary, path);
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Bytes that a guest sees of it; undefined where it is no overlay as we make them, or is marked as corrupt. */
export async function overlayBytes(path: string): Promise<number | undefined> {
  await using file = await open(path, "r");
  const { bytesRead, buffer } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
  const isOne = bytesRead === headerBytes && buffer.toString("latin1", 0, 4) === magic && buffer.readUInt32BE(4) === 3;
  if (!isOne || buffer.readBigUInt64BE(8) !== 0n) return undefined;
  const isCorrupt = (buffer.readBigUInt64BE(72) & ~dirtyFeature) !== 0n;
  return isCorrupt ? undefined : Number(buffer.readBigUInt64BE(24));
}

async function writeSparse(path: string, image: Buffer, bytes: number): Promise<void> {
  await using file = await open(path, "w", 0o600);
  await file.truncate(bytes);
  for (let at = 0; at < image.length; at += clusterBytes) {
    const cluster = image.subarray(at, at + clusterBytes);
    const end = cluster.findLastIndex((byte) => byte !== 0) + 1;
    const { bytesWritten } = await file.write(cluster, 0, end, at);
    if (bytesWritten < end)
      throw new PyroError("resource_exhausted", `The disk became full while ${path} was written.`);
  }
}

function header(virtualBytes: number, l1Entries: number): Buffer {
  // Then the 8 zero bytes that end the header extensions.
  const bytes = Buffer.alloc(headerBytes + 8);
  bytes.write(magic, 0, "latin1");
  bytes.writeUInt32BE(3, 4);
  bytes.writeUInt32BE(clusterBits, 20);
  bigEndian64(virtualBytes).copy(bytes, 24);
  bytes.writeUInt32BE(l1Entries, 36);
  bigEndian64(firstL1Cluster * clusterBytes).copy(bytes, 40);
  bigEndian64(refcountTableCluster * clusterBytes).copy(bytes, 48);
  bytes.writeUInt32BE(1, 56);
  bytes.writeUInt32BE(4, 96);
  bytes.writeUInt32BE(headerBytes, 100);
  return bytes;
}

function refcounts(clusters: number): Buffer {
  const bytes = Buffer.alloc(clusters * 2);
  for (let cluster = 0; cluster < clusters; cluster += 1) bytes.writeUInt16BE(1, cluster * 2);
  return bytes;
}

function bigEndian64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
