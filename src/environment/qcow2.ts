// Owns the format of an empty qcow2 overlay. Never names its backing file: QEMU gets that as a block node of its own.
import { open } from "node:fs/promises";

const clusterBits = 16;
const clusterBytes = 2 ** clusterBits;
/** One entry of the L1 table stands for one L2 table of 8-byte entries, a cluster each. */
const bytesPerL1Entry = (clusterBytes / 8) * clusterBytes;
/** 2-byte counts in one refcount block. */
const maxClusters = clusterBytes / 2;

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
  await using file = await open(path, "wx", 0o600);
  await file.truncate(clusters * clusterBytes);
  await file.write(header(virtualBytes, l1Entries), 0, undefined, 0);
  await file.write(bigEndian64(refcountBlockCluster * clusterBytes), 0, undefined, refcountTableCluster * clusterBytes);
  await file.write(refcounts(clusters), 0, undefined, refcountBlockCluster * clusterBytes);
}

function header(virtualBytes: number, l1Entries: number): Buffer {
  // 104 bytes of header, then the 8 zero bytes that end the header extensions.
  const bytes = Buffer.alloc(112);
  bytes.write("QFI\u00fb", 0, "latin1");
  bytes.writeUInt32BE(3, 4);
  bytes.writeUInt32BE(clusterBits, 20);
  bigEndian64(virtualBytes).copy(bytes, 24);
  bytes.writeUInt32BE(l1Entries, 36);
  bigEndian64(firstL1Cluster * clusterBytes).copy(bytes, 40);
  bigEndian64(refcountTableCluster * clusterBytes).copy(bytes, 48);
  bytes.writeUInt32BE(1, 56);
  bytes.writeUInt32BE(4, 96);
  bytes.writeUInt32BE(104, 100);
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
