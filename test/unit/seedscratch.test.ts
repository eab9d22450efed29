import { test } from "vitest";
import { listDirectory } from "../../src/workspace/seed/directory-listing.js";
import { readItems } from "../../src/workspace/seed/read-items.js";
import { SeedImage } from "../../src/workspace/seed/seed-image.js";
import { rmSync, mkdirSync } from "node:fs";
import inspector from "node:inspector/promises";
import fs from "node:fs";
const signal = new AbortController().signal;
test("x", async () => {
  for (const p of ["t10k","t100k"]) for (let i=0;i<3;i++) {
    rmSync("/tmp/seedx/img",{recursive:true,force:true}); mkdirSync("/tmp/seedx/img");
    const cpu0=process.cpuUsage();
    const t0=performance.now(); const l=await listDirectory("/tmp/seedx/"+p, signal);
    const t1=performance.now();
    const s = new inspector.Session(); s.connect();
    if (i===2) { await s.post("Profiler.enable"); await s.post("Profiler.start"); }
    const nul = { add(){}, write(){}, end(){}, async ready(){} };
    await readItems(nul, {items:l.items, signal, progress:()=>{}});
    const t2=performance.now(); 
    const img=await SeedImage.start("/tmp/seedx/img");
    await readItems(img, {items:l.items, signal, progress:()=>{}});
    const t3=performance.now(); await img.finish(); const t4=performance.now();
    if (i===2) { const {profile}=await s.post("Profiler.stop"); fs.writeFileSync(`/tmp/seedx/${p}.cpuprofile`, JSON.stringify(profile)); }
    console.log(p,"list",t1-t0,"read null",t2-t1,"read+img",t3-t2,"finish",t4-t3, process.cpuUsage(cpu0));
  }
}, 100000);
