// Owns QEMU's block graph for our three drives, so that two of them can be exchanged. Never touches the images.
import type { DiskChain, DiskLayer } from "../../disk/chain.js";

/** One `-blockdev` or `blockdev-add` argument. */
export type BlockNode = Readonly<Record<string, unknown>> & { readonly "node-name": string };

export type DriveName = "base" | "seed" | "disk";

/** An image that a drive shows as it is. */
export function rawImage(path: string): DiskChain {
  return { top: { path, format: "raw" }, below: [], throwAway: false };
}

/** Nodes of one image, lowest first; the last is the image itself. `generation` keeps names apart when it is exchanged. */
export function imageNodes(
  name: DriveName,
  image: DiskChain,
  generation: number,
): readonly [...BlockNode[], BlockNode] {
  const prefix = `${name}-${generation}`;
  const readOnly = name !== "disk";
  const layers = image.below.toReversed();
  const below = layers.flatMap((layer, index) =>
    layerNodes(`${prefix}-layer${index}`, layer, {
      readOnly: true,
      throwAway: false,
      backing: index === 0 ? undefined : `${prefix}-layer${index - 1}`,
    }),
  );
  const backing = layers.length === 0 ? undefined : `${prefix}-layer${layers.length - 1}`;
  const own = layerNodes(prefix, image.top, { readOnly, throwAway: image.throwAway, backing });
  const [top, ...files] = own.toReversed();
  if (top === undefined) throw new RangeError("an image has at least one node");
  return [...below, ...files.toReversed(), top];
}

/** The node that the guest's device holds on to: only a raw node's file can be exchanged safely. */
export function deviceNode(name: DriveName, file: string): BlockNode {
  return { "node-name": name, driver: "raw", file, "read-only": name !== "disk" };
}

interface LayerOptions {
  readonly readOnly: boolean;
  readonly throwAway: boolean;
  readonly backing: string | undefined;
}

function layerNodes(name: string, image: DiskLayer, options: LayerOptions): BlockNode[] {
  const access = {
    "read-only": options.readOnly,
    cache: { direct: false, "no-flush": options.throwAway },
    ...(options.readOnly ? {} : { discard: "unmap" }),
  };
  const file = { driver: "file", filename: image.path, ...access };
  if (image.format === "raw") return [{ ...file, "node-name": name }];
  return [
    { ...file, "node-name": `${name}-file` },
    { driver: "qcow2", file: `${name}-file`, backing: options.backing ?? null, ...access, "node-name": name },
  ];
}
