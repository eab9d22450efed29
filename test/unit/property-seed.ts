// Owns the seed of property tests: one and the same in every ordinary run, chance where many runs are asked for.
import * as fc from "fast-check";

const ordinarySeed = 20_261_128;

if (process.env["PYRO_PROPERTY_RUNS"] === undefined) fc.configureGlobal({ seed: ordinarySeed });
