// Writes a newc cpio archive, the format of an initramfs: folders and files, byte for byte the same for the same input. Reads nothing.

const HEADER_BYTES = 110;
const TRAILER = "TRAILER!!!";

/**
 * One archive of `entries`, in the order of their paths; parents are added where they are missing.
 * @param {{path: string, mode?: number, content?: Buffer}[]} entries without `content` an entry is a folder
 * @returns {Buffer}
 */
export function cpioArchive(entries) {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    const parts = path.split("/");
    for (let length = 1; length < parts.length; length += 1) {
      const parent = parts.slice(0, length).join("/");
      if (!byPath.has(parent)) byPath.set(parent, { path: parent });
    }
  }
  const sorted = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const chunks = sorted.flatMap((entry, index) => record(entry, index + 1));
  chunks.push(...record({ path: TRAILER, mode: 0, content: Buffer.alloc(0) }, 0));
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return Buffer.concat([...chunks, Buffer.alloc(padding(size, 512))]);
}

function record({ path, mode, content }, inode) {
  const name = Buffer.from(`${path}\0`);
  const body = content ?? Buffer.alloc(0);
  const type = content === undefined ? 0o040000 : path === TRAILER ? 0 : 0o100000;
  const permissions = mode ?? (content === undefined ? 0o755 : 0o644);
  const links = content === undefined ? 2 : 1;
  // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [inode, type | permissions, 0, 0, links, 0, body.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return [
    header,
    name,
    Buffer.alloc(padding(HEADER_BYTES + name.length, 4)),
    body,
    Buffer.alloc(padding(body.length, 4)),
  ];
}

function padding(length, alignment) {
  return (alignment - (length % alignment)) % alignment;
}
